import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { TidemarkError } from '../../oci/error.ts';
import { findNamed, given, mutate, readList } from '../api-calls.ts';
import { addClientCommand } from '../client-command.ts';
import type { ChooseClient, Client } from '../client-command.ts';
import { wholeNumber } from '../client-options.ts';
import { withListOptions } from '../list-options.ts';
import type { ListGiven } from '../list-options.ts';
import { readPassword } from '../read-password.ts';
import { policies } from '../sync/sync-request.ts';
import { splitList } from './content-commands.ts';
import { addRemoteTest } from './remote-test-command.ts';
import { deleteThing } from './delete-thing.ts';
import { printDone, printTable, printThing } from './print.ts';

interface Remote {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly upstreamName: string;
  readonly policy: string;
  readonly includeTags: readonly string[] | null;
  readonly excludeTags: readonly string[] | null;
  readonly username: string | null;
  readonly hasPassword: boolean;
  readonly hasSslClientKey: boolean;
  readonly downloadConcurrency: number;
  readonly rateLimit: number | null;
  readonly maxRetries: number;
  readonly proxyUrl: string | null;
  readonly sslValidation: boolean;
  readonly followLayerUrls: boolean;
  readonly headerNames: readonly string[];
  readonly realmHosts: readonly string[];
  readonly sigstore: string | null;
  readonly signaturePolicy: { readonly name: string } | null;
}

const fields = `id name url upstreamName policy includeTags excludeTags username hasPassword hasSslClientKey downloadConcurrency
  rateLimit maxRetries proxyUrl sslValidation followLayerUrls headerNames realmHosts sigstore signaturePolicy { id name }
  totalTimeout connectTimeout sockReadTimeout`;

export function addRemotes(program: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven>(program, choose, {
    usage: 'remotes',
    text: 'list remotes: where content comes from',
    reads: true,
    setUp: withListOptions,
    run: async (client, _, wish) => {
      const document = {
        head: '',
        body: (selection: string) => `list: remotes(first: $first, after: $after) ${selection}`,
        nodes: fields,
      };
      const found = await readList<Remote>(client.session, document, wish);
      return printTable(client, 'remotes', found ?? { totalCount: 0, nodes: [] }, {
        noun: 'remote',
        columns: ['REMOTE', 'UPSTREAM', 'TAGS', 'WITHOUT', 'BLOBS', 'USER'],
        row: (one) => [
          one.name,
          `${one.url}/${one.upstreamName}`,
          one.includeTags?.join(', ') ?? null,
          one.excludeTags?.join(', ') ?? null,
          one.policy,
          one.username,
        ],
        none: 'There are no remotes.',
      });
    },
  });
  const parent = program.command('remote').description('show, test, create, change or delete one remote');
  addClientCommand(parent, choose, {
    usage: 'show <remote>',
    text: 'show a remote; secrets are never shown',
    reads: true,
    run: async (client, [name = '']) => {
      const one = await findNamed<Remote>(client.session, 'remote', name, fields);
      return printThing(client, 'remote', one, describe(one));
    },
  });
  addRemoteTest(parent, choose);
  addChanges(parent, choose);
}

function describe(one: Remote): [string, string | number | null][] {
  return [
    ['remote', one.name],
    ['id', one.id],
    ['url', one.url],
    ['upstream name', one.upstreamName],
    ['tags', one.includeTags?.join(', ') ?? 'all'],
    ['without', one.excludeTags?.join(', ') ?? null],
    ['blobs', one.policy],
    ['user', one.username],
    ['password', one.hasPassword ? 'set' : 'none'],
    ['TLS checks', one.sslValidation ? 'on' : 'off'],
    ['urls of layers', one.followLayerUrls ? 'followed' : 'not followed'],
    ['client certificate', one.hasSslClientKey ? 'set' : 'none'],
    ['proxy', one.proxyUrl],
    ['headers', one.headerNames.join(', ')],
    ['token hosts', one.realmHosts.join(', ')],
    ['signature store', one.sigstore],
    ['signature policy', one.signaturePolicy?.name ?? null],
    ['requests in flight', one.downloadConcurrency],
    ['requests a second', one.rateLimit ?? 'no limit'],
    ['retries', one.maxRetries],
  ];
}

interface Changes {
  readonly url?: string;
  readonly upstreamName?: string;
  readonly name?: string;
  readonly tags?: string;
  readonly excludeTags?: string;
  readonly policy?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly password?: boolean;
  readonly concurrency?: number;
  readonly rateLimit?: number;
  readonly retries?: number;
  readonly proxy?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly tlsVerify?: boolean;
  readonly followLayerUrls?: boolean;
  readonly realmHosts?: string;
  readonly sigstore?: string;
  readonly signaturePolicy?: string;
}

function withChanges(command: Command): void {
  command
    .option('--tags <list>', "only these tags, separated by commas; '' for every tag")
    .option('--exclude-tags <list>', "not these tags; '' for none")
    .addOption(
      new Option(
        '--policy <when>',
        'when layers are fetched: by the sync, at the first pull, or at each',
      ).choices(Object.keys(policies)),
    )
    .option('--username <name>', "user at the upstream; '' for none")
    .option('--password-stdin', "read that user's password or token from standard input")
    .option('--no-password', 'forget the stored password')
    .option('--concurrency <n>', 'requests in flight at one time', wholeNumber(1, 100))
    .option('--rate-limit <n>', 'requests a second; 0 for no limit', wholeNumber(0, 1_000_000))
    .option('--retries <n>', 'retries of a request', wholeNumber(0, 10))
    .option('--proxy <url>', "HTTP proxy; '' for none")
    .option('--ca-file <path>', 'PEM file with the CA of the upstream')
    .option('--cert-file <path>', 'PEM file with the client certificate')
    .option('--key-file <path>', 'PEM file with its key')
    .option('--tls-verify', 'check certificates')
    .option('--no-tls-verify', 'do not check certificates')
    .option('--follow-layer-urls', "ask for a layer that the upstream lacks at the manifest's urls")
    .option('--no-follow-layer-urls', 'leave such a layer out')
    .option('--realm-hosts <list>', 'hosts of other domains that may get the credentials for a token')
    .option('--sigstore <url>', "base URL of a signature store; '' for none")
    .option('--signature-policy <name>', "the policy that has to verify images; '' for none");
}

function orNull(text: string | undefined): string | null | undefined {
  return text === '' ? null : text;
}

function patterns(text: string | undefined): string[] | null | undefined {
  return text === '' ? null : splitList(text);
}

async function readChanges(client: Client, options: Changes): Promise<Record<string, unknown>> {
  const { session, interrupt } = client;
  const policyId =
    options.signaturePolicy === undefined || options.signaturePolicy === ''
      ? undefined
      : (await findNamed(session, 'policy', options.signaturePolicy)).id;
  const password = options.passwordStdin === true ? await readPassword(interrupt.signal) : undefined;
  return given({
    url: options.url,
    upstreamName: options.upstreamName,
    includeTags: patterns(options.tags),
    excludeTags: patterns(options.excludeTags),
    policy: options.policy === undefined ? undefined : policies[options.policy],
    username: orNull(options.username),
    password: options.password === false ? null : password,
    downloadConcurrency: options.concurrency,
    rateLimit: options.rateLimit === 0 ? null : options.rateLimit,
    maxRetries: options.retries,
    proxyUrl: orNull(options.proxy),
    sslCaCertificate: await readPem(options.caFile),
    sslClientCertificate: await readPem(options.certFile),
    sslClientKey: await readPem(options.keyFile),
    sslValidation: options.tlsVerify,
    followLayerUrls: options.followLayerUrls,
    realmHosts: splitList(options.realmHosts),
    sigstore: orNull(options.sigstore),
    signaturePolicyId: options.signaturePolicy === '' ? null : policyId,
  });
}

async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new TidemarkError('USAGE', `The file ${path} cannot be read. Expected a PEM file.`, {
      origin: 'caller',
      cause: error,
    });
  });
}

function addChanges(parent: Command, choose: ChooseClient): void {
  addClientCommand<Changes>(parent, choose, {
    usage: 'create <remote> <url> <upstream-name>',
    text: 'create a remote',
    setUp: (command) => {
      withChanges(command);
      command.addHelpText(
        'after',
        "\nExample:\n  $ tidemark remote create nginx https://registry-1.docker.io library/nginx --tags '1.2*'",
      );
    },
    run: async (client, [name = '', url = '', upstreamName = ''], options) => {
      const remote = await mutate<object>(client.session, 'remoteCreate', {
        field: 'remote',
        fields,
        input: { ...(await readChanges(client, options)), name, url, upstreamName },
      });
      return printDone(client, { remote }, `Created the remote ${name}.`);
    },
  });
  addClientCommand<Changes>(parent, choose, {
    usage: 'update <remote>',
    text: 'change a remote; a new password takes effect at once, filters at the next sync',
    setUp: (command) => {
      command
        .option('--url <url>', 'base URL of the registry; another one drops the stored secrets')
        .option('--upstream-name <name>', 'repository at the upstream')
        .option('--name <name>', 'a new name');
      withChanges(command);
    },
    run: async (client, [name = ''], options) => {
      const { id } = await findNamed(client.session, 'remote', name);
      const remote = await mutate<Remote>(client.session, 'remoteUpdate', {
        field: 'remote',
        fields,
        input: { id, ...given({ name: options.name }), ...(await readChanges(client, options)) },
      });
      return printDone(client, { remote }, `Changed the remote ${remote.name}.`);
    },
  });
  addClientCommand(parent, choose, {
    usage: 'delete <remote>',
    text: 'delete a remote that nothing uses',
    run: async (client, [name = '']) => {
      const { id } = await findNamed(client.session, 'remote', name);
      return deleteThing(client, 'remoteDelete', { id }, `Deleted the remote ${name}.`);
    },
  });
}
