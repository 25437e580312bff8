import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { collect } from '../command.ts';
import type { Choose } from '../command.ts';
import { readRequiredKeys } from '../sync/require-signature.ts';
import { usage } from '../usage.ts';
import { addList } from './list-command.ts';
import { addCreate, addDelete, addShow, addUpdate, orNull } from './thing-commands.ts';
import type { Thing } from './thing-commands.ts';

interface Policy {
  readonly id: string;
  readonly name: string;
  readonly keys: readonly string[];
  readonly openPgpKeys: readonly string[];
  readonly identities: readonly { readonly issuer: string; readonly subject: string }[];
  readonly onFailure: string;
  readonly dockerReference: string | null;
}

interface Changes {
  readonly key?: readonly string[];
  readonly identity?: readonly string[];
  readonly trustedRoot?: string;
  readonly onFailure?: keyof typeof onFailures;
  readonly dockerReference?: string;
}

const onFailures = { 'skip-tag': 'SKIP_TAG', 'fail-sync': 'FAIL_SYNC' } as const;

const policy: Thing<Changes> = {
  noun: 'policy',
  argument: '<policy>',
  fields: 'id name keys openPgpKeys identities { issuer subject } onFailure dockerReference trustedRoot',
  setUp: withChanges,
  read: readChanges,
};

export function addPolicies(program: Command, choose: Choose): void {
  addList<Policy>(program, choose, {
    usage: 'policies',
    text: 'list signature policies: who must have signed an image',
    list: () => ({
      key: 'signaturePolicies',
      connection: 'signaturePolicies',
      nodes: policy.fields,
      noun: 'signature policy',
      columns: ['POLICY', 'KEYS', 'OPENPGP KEYS', 'IDENTITIES', 'ON FAILURE'],
      row: (one) => [one.name, one.keys.length, one.openPgpKeys.length, one.identities.length, one.onFailure],
      none: 'There are no signature policies.',
    }),
  });
  const parent = program.command('policy').description('show, create, change or delete a signature policy');
  addShow<Policy>(parent, choose, policy, {
    text: 'show the keys and identities that a signature policy trusts',
    lines: (one) => [
      ['policy', one.name],
      ['id', one.id],
      ['keys', one.keys.length],
      ['OpenPGP keys', one.openPgpKeys.length],
      ['identities', one.identities.map(({ issuer, subject }) => `${subject} (${issuer})`).join(', ')],
      ['on failure', one.onFailure],
      ['docker reference', one.dockerReference],
    ],
  });
  addCreate(parent, choose, policy, { mutation: 'signaturePolicyCreate', text: 'create a signature policy' });
  addUpdate(parent, choose, policy, {
    mutation: 'signaturePolicyUpdate',
    text: 'change a signature policy; --key and --identity replace the stored ones',
  });
  addDelete(parent, choose, policy, {
    mutation: 'signaturePolicyDelete',
    text: 'delete a signature policy that nothing uses',
  });
}

function withChanges(command: Command): void {
  command
    .option('--key <file>', 'cosign.pub or an armoured OpenPGP key; may be given several times', collect)
    .option('--identity <issuer=subject>', 'a keyless signer; may be given several times', collect)
    .option('--trusted-root <file>', 'trusted_root.json of the Sigstore instance, for keyless signers')
    .addOption(
      new Option('--on-failure <what>', 'how a sync treats a tag that fails verification').choices(
        Object.keys(onFailures),
      ),
    )
    .option('--docker-reference <name>', "image name that simple-signing signatures must have; '' for any");
}

async function readChanges(_: unknown, options: Changes): Promise<Readonly<Record<string, unknown>>> {
  const files = options.key === undefined ? undefined : await Promise.all(options.key.map(readRequiredKeys));
  return {
    keys: files?.flatMap(({ keys }) => keys),
    openPgpKeys: files?.flatMap(({ openPgpKeys }) => openPgpKeys),
    identities: options.identity?.map(parseIdentity),
    trustedRoot: options.trustedRoot === undefined ? undefined : await readRoot(options.trustedRoot),
    onFailure: options.onFailure === undefined ? undefined : onFailures[options.onFailure],
    dockerReference: orNull(options.dockerReference),
  };
}

function parseIdentity(text: string): { issuer: string; subject: string } {
  // an issuer is an https address without a query, so the first = ends it
  const at = text.indexOf('=');
  if (at > 0) return { issuer: text.slice(0, at), subject: text.slice(at + 1) };
  throw usage(
    `--identity is ${JSON.stringify(text)}. Expected issuer=subject, for example https://accounts.example.com=dev@example.com.`,
  );
}

async function readRoot(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw usage(`--trusted-root names ${path}, which cannot be read. Expected trusted_root.json.`, error);
  });
}
