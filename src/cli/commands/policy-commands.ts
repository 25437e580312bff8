import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { TidemarkError } from '../../oci/error.ts';
import { findNamed, given, mutate, readList } from '../api-calls.ts';
import { addClientCommand } from '../client-command.ts';
import type { ChooseClient } from '../client-command.ts';
import { withListOptions } from '../list-options.ts';
import type { ListGiven } from '../list-options.ts';
import { readRequiredKeys } from '../sync/require-signature.ts';
import { deleteThing } from './delete-thing.ts';
import { printDone, printTable, printThing } from './print.ts';

interface Policy {
  readonly id: string;
  readonly name: string;
  readonly keys: readonly string[];
  readonly openPgpKeys: readonly string[];
  readonly identities: readonly { readonly issuer: string; readonly subject: string }[];
  readonly onFailure: string;
  readonly dockerReference: string | null;
}

const fields = 'id name keys openPgpKeys identities { issuer subject } onFailure dockerReference trustedRoot';
const onFailures = { 'skip-tag': 'SKIP_TAG', 'fail-sync': 'FAIL_SYNC' } as const;

export function addPolicies(program: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven>(program, choose, {
    usage: 'policies',
    text: 'list signature policies: who has to have signed',
    reads: true,
    setUp: withListOptions,
    run: async (client, _, wish) => {
      const document = {
        head: '',
        body: (selection: string) => `list: signaturePolicies(first: $first, after: $after) ${selection}`,
        nodes: fields,
      };
      const found = await readList<Policy>(client.session, document, wish);
      return printTable(client, 'signaturePolicies', found ?? { totalCount: 0, nodes: [] }, {
        noun: 'signature policy',
        columns: ['POLICY', 'KEYS', 'OPENPGP KEYS', 'IDENTITIES', 'ON FAILURE'],
        row: (one) => [
          one.name,
          one.keys.length,
          one.openPgpKeys.length,
          one.identities.length,
          one.onFailure,
        ],
        none: 'There are no signature policies.',
      });
    },
  });
  const parent = program.command('policy').description('show, create, change or delete one signature policy');
  addClientCommand(parent, choose, {
    usage: 'show <policy>',
    text: 'show whom a signature policy trusts',
    reads: true,
    run: async (client, [name = '']) => {
      const one = await findNamed<Policy>(client.session, 'policy', name, fields);
      return printThing(client, 'signaturePolicy', one, [
        ['policy', one.name],
        ['id', one.id],
        ['keys', one.keys.length],
        ['OpenPGP keys', one.openPgpKeys.length],
        ['identities', one.identities.map(({ issuer, subject }) => `${subject} (${issuer})`).join(', ')],
        ['on failure', one.onFailure],
        ['docker reference', one.dockerReference],
      ]);
    },
  });
  addChanges(parent, choose);
}

interface Changes {
  readonly name?: string;
  readonly key?: readonly string[];
  readonly identity?: readonly string[];
  readonly trustedRoot?: string;
  readonly onFailure?: keyof typeof onFailures;
  readonly dockerReference?: string;
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function withChanges(command: Command): void {
  command
    .option('--key <file>', 'cosign.pub or an armoured OpenPGP key; may be given several times', collect)
    .option('--identity <issuer=subject>', 'a keyless signer; may be given several times', collect)
    .option('--trusted-root <file>', 'trusted_root.json of the Sigstore instance, for keyless signers')
    .addOption(
      new Option('--on-failure <what>', 'what a sync does with a tag that is not verified').choices(
        Object.keys(onFailures),
      ),
    )
    .option('--docker-reference <name>', 'the name that atomic signatures have to be for');
}

async function readChanges(options: Changes): Promise<Record<string, unknown>> {
  const files = options.key === undefined ? undefined : await Promise.all(options.key.map(readRequiredKeys));
  return given({
    keys: files?.flatMap(({ keys }) => keys),
    openPgpKeys: files?.flatMap(({ openPgpKeys }) => openPgpKeys),
    identities: options.identity?.map(parseIdentity),
    trustedRoot: options.trustedRoot === undefined ? undefined : await readRoot(options.trustedRoot),
    onFailure: options.onFailure === undefined ? undefined : onFailures[options.onFailure],
    dockerReference: options.dockerReference === '' ? null : options.dockerReference,
  });
}

function parseIdentity(text: string): { issuer: string; subject: string } {
  // an issuer is an https address without a query, so the first = ends it
  const at = text.indexOf('=');
  if (at > 0) return { issuer: text.slice(0, at), subject: text.slice(at + 1) };
  throw new TidemarkError(
    'USAGE',
    `--identity is ${JSON.stringify(text)}. Expected issuer=subject, for example https://accounts.example.com=dev@example.com.`,
    { origin: 'caller' },
  );
}

async function readRoot(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new TidemarkError('USAGE', `--trusted-root: ${path} cannot be read. Expected trusted_root.json.`, {
      origin: 'caller',
      cause: error,
    });
  });
}

function addChanges(parent: Command, choose: ChooseClient): void {
  addClientCommand<Changes>(parent, choose, {
    usage: 'create <policy>',
    text: 'create a signature policy',
    setUp: withChanges,
    run: async (client, [name = ''], options) => {
      const signaturePolicy = await mutate<object>(client.session, 'signaturePolicyCreate', {
        field: 'signaturePolicy',
        fields,
        input: { name, ...(await readChanges(options)) },
      });
      return printDone(client, { signaturePolicy }, `Created the signature policy ${name}.`);
    },
  });
  addClientCommand<Changes>(parent, choose, {
    usage: 'update <policy>',
    text: 'change a signature policy; keys and identities that are given replace the earlier ones',
    setUp: (command) => withChanges(command.option('--name <name>', 'a new name')),
    run: async (client, [name = ''], options) => {
      const { id } = await findNamed(client.session, 'policy', name);
      const signaturePolicy = await mutate<Policy>(client.session, 'signaturePolicyUpdate', {
        field: 'signaturePolicy',
        fields,
        input: { id, ...given({ name: options.name }), ...(await readChanges(options)) },
      });
      return printDone(client, { signaturePolicy }, `Changed the signature policy ${signaturePolicy.name}.`);
    },
  });
  addClientCommand(parent, choose, {
    usage: 'delete <policy>',
    text: 'delete a signature policy that nothing uses',
    run: async (client, [name = '']) => {
      const { id } = await findNamed(client.session, 'policy', name);
      return deleteThing(client, 'signaturePolicyDelete', { id }, `Deleted the signature policy ${name}.`);
    },
  });
}
