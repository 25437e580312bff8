import type { Command } from 'commander';
import { Option } from 'commander';
import { wholeNumber } from '../../command.ts';
import type { Choose, Client } from '../../command.ts';
import { describeFallbacks, fallbackFields, readFallbacks, withFallbacks } from '../../remotes/fallbacks.ts';
import type { Fallback } from '../../remotes/fallbacks.ts';
import { readPassword } from '../../read-password.ts';
import { readPem } from '../../remotes/read-pem.ts';
import { policies } from '../../sync/sync-request.ts';
import {
  describeTagRules,
  includesByRule,
  readTagRules,
  tagRuleFields,
  withTagRules,
} from '../../tag-rules.ts';
import type { TagRuleOptions, TagRules } from '../../tag-rules.ts';
import { addList } from '../list-command.ts';
import { addRemoteTest } from './remote-test-command.ts';
import { addCreate, addDelete, addShow, addUpdate, idOf, orNull, splitList } from '../thing-commands.ts';
import type { Thing } from '../thing-commands.ts';

interface Remote extends TagRules {
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
  readonly bytesPerSecond: string | null;
  readonly syncWindows: readonly string[] | null;
  readonly reserveRequests: number | null;
  readonly maxRetries: number;
  readonly proxyUrl: string | null;
  readonly sslValidation: boolean;
  readonly followLayerUrls: boolean;
  readonly headerNames: readonly string[];
  readonly realmHosts: readonly string[];
  readonly sigstore: string | null;
  readonly fallbacks: readonly Fallback[];
  readonly credential: { readonly name: string } | null;
  readonly signaturePolicy: { readonly name: string } | null;
}

export interface RemoteOptions extends TagRuleOptions {
  readonly url?: string;
  readonly upstreamName?: string;
  readonly tags?: string;
  readonly excludeTags?: string;
  readonly policy?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly password?: boolean;
  readonly concurrency?: number;
  readonly rateLimit?: number;
  readonly bandwidth?: string;
  readonly syncWindows?: string;
  readonly reserveRequests?: number;
  readonly retries?: number;
  readonly proxy?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly tlsVerify?: boolean;
  readonly followLayerUrls?: boolean;
  readonly realmHosts?: string;
  readonly sigstore?: string;
  readonly credential?: string;
  readonly fallback?: readonly string[];
  readonly signaturePolicy?: string;
}

const remote: Thing<RemoteOptions> = {
  noun: 'remote',
  argument: '<remote>',
  fields: `id name url upstreamName policy includeTags excludeTags ${tagRuleFields} username hasPassword hasSslClientKey downloadConcurrency
    rateLimit bytesPerSecond syncWindows reserveRequests maxRetries proxyUrl sslValidation followLayerUrls headerNames realmHosts sigstore signaturePolicy { id name }
    credential { id name } ${fallbackFields}
    totalTimeout connectTimeout sockReadTimeout`,
  setUp: withRemoteOptions,
  read: readRemoteOptions,
};

export function addRemotes(program: Command, choose: Choose): void {
  addList<Remote>(program, choose, {
    usage: 'remotes',
    text: 'list remotes: the upstream repositories to sync from',
    list: () => ({
      key: 'remotes',
      connection: 'remotes',
      nodes: remote.fields,
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
    }),
  });
  const parent = program.command('remote').description('show, test, create, change or delete a remote');
  addShow(parent, choose, remote, { text: 'show a remote; secrets are never shown', lines: describe });
  addRemoteTest(parent, choose);
  addCreate(parent, choose, remote, {
    mutation: 'remoteCreate',
    usage: '<url> <upstream-name>',
    text: 'create a remote',
    setUp: (command) =>
      command.addHelpText(
        'after',
        "\nExample:\n  $ tidemark remote create nginx https://registry-1.docker.io library/nginx --tags '1.2*'",
      ),
    input: (_, [, url, upstreamName]) => ({ url, upstreamName }),
  });
  addUpdate(parent, choose, remote, {
    mutation: 'remoteUpdate',
    text: 'change a remote; a new password takes effect at once, filters at the next sync',
    setUp: (command) =>
      command
        .option('--url <url>', 'base URL of the registry; another one drops the stored secrets')
        .option('--upstream-name <name>', 'name of the repository at the upstream'),
  });
  addDelete(parent, choose, remote, { mutation: 'remoteDelete', text: 'delete a remote that nothing uses' });
}

function describe(one: Remote): [string, string | number | null][] {
  return [
    ['remote', one.name],
    ['id', one.id],
    ['url', one.url],
    ['upstream name', one.upstreamName],
    ['tags', one.includeTags?.join(', ') ?? (includesByRule(one) ? null : 'all')],
    ['without', one.excludeTags?.join(', ') ?? null],
    ...describeTagRules(one),
    ...describeFallbacks(one.fallbacks, one.upstreamName),
    ['blobs', one.policy],
    ['user', one.username],
    ['password', one.hasPassword ? 'set' : 'none'],
    ['credential', one.credential?.name ?? null],
    ['TLS checks', one.sslValidation ? 'on' : 'off'],
    ['layer URLs', one.followLayerUrls ? 'followed' : 'not followed'],
    ['client certificate', one.hasSslClientKey ? 'set' : 'none'],
    ['proxy', one.proxyUrl],
    ['headers', one.headerNames.join(', ')],
    ['token hosts', one.realmHosts.join(', ')],
    ['signature store', one.sigstore],
    ['signature policy', one.signaturePolicy?.name ?? null],
    ['requests in flight', one.downloadConcurrency],
    ['requests per second', one.rateLimit ?? 'no limit'],
    ['bandwidth', one.bytesPerSecond],
    ['sync windows', one.syncWindows?.join(', ') ?? null],
    ['reserved requests', one.reserveRequests],
    ['retries', one.maxRetries],
  ];
}

/** Options for the settings of remotes. */
export function withRemoteOptions(command: Command): void {
  command
    .option('--tags <list>', "only these tags, separated by commas; '' for every tag")
    .option('--exclude-tags <list>', "not these tags; '' for none");
  withTagRules(command);
  command
    .addOption(
      new Option(
        '--policy <when>',
        'when layers are fetched: by the sync, at the first pull, or at each pull',
      ).choices(Object.keys(policies)),
    )
    .option('--username <name>', "user at the upstream; '' for none")
    .option('--password-stdin', "read that user's password or token from standard input")
    .option('--no-password', 'delete the stored password')
    .option('--credential <name>', "credential to log in with, in place of a user; '' for none")
    .option('--concurrency <n>', 'maximum number of concurrent requests', wholeNumber(1, 100))
    .option('--rate-limit <n>', 'requests per second; 0 for no limit', wholeNumber(0, 1_000_000))
    .option(
      '--bandwidth <rate>',
      "20MB/s, or '06:00-22:00 20MB/s, else off (Europe/Berlin)'; '' for no limit",
    )
    .option('--sync-windows <list>', "times for syncs, such as 'Mon-Fri 22:00-06:00,Sat-Sun'; '' for always")
    .option(
      '--reserve-requests <n>',
      'requests of the announced quota to leave to others; 0 for none',
      wholeNumber(0, 1_000_000),
    )
    .option('--retries <n>', 'retries of a request', wholeNumber(0, 10))
    .option('--proxy <url>', "HTTP proxy; '' for none")
    .option('--ca-file <path>', 'PEM file with the CA of the upstream')
    .option('--cert-file <path>', 'PEM file with the client certificate')
    .option('--key-file <path>', 'PEM file with the key of the client certificate')
    .option('--tls-verify', 'verify certificates')
    .option('--no-tls-verify', 'do not verify certificates')
    .option('--follow-layer-urls', "fetch layers that the upstream lacks from the manifest's urls")
    .option('--no-follow-layer-urls', 'skip such layers')
    .option('--realm-hosts <list>', 'hosts of other domains that may get the credentials for a token')
    .option('--sigstore <url>', "base URL of a signature store; '' for none")
    .option('--signature-policy <name>', "signature policy that images must satisfy; '' for none");
  withFallbacks(command);
}

function patterns(text: string | undefined): string[] | null | undefined {
  return text === '' ? null : splitList(text);
}

export async function readRemoteOptions(
  client: Client,
  options: RemoteOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { passwordStdin = false } = options;
  const password = passwordStdin ? await readPassword(client.interrupt.signal) : undefined;
  return {
    url: options.url,
    upstreamName: options.upstreamName,
    includeTags: patterns(options.tags),
    excludeTags: patterns(options.excludeTags),
    ...readTagRules(options),
    policy: options.policy === undefined ? undefined : policies[options.policy],
    username: orNull(options.username),
    password: options.password === false ? null : password,
    downloadConcurrency: options.concurrency,
    rateLimit: options.rateLimit === 0 ? null : options.rateLimit,
    bytesPerSecond: orNull(options.bandwidth),
    syncWindows: patterns(options.syncWindows),
    reserveRequests: options.reserveRequests === 0 ? null : options.reserveRequests,
    maxRetries: options.retries,
    proxyUrl: orNull(options.proxy),
    sslCaCertificate: await readPem(options.caFile),
    sslClientCertificate: await readPem(options.certFile),
    sslClientKey: await readPem(options.keyFile),
    sslValidation: options.tlsVerify,
    followLayerUrls: options.followLayerUrls,
    realmHosts: splitList(options.realmHosts),
    sigstore: orNull(options.sigstore),
    credentialId: await idOf(client, 'credential', options.credential),
    fallbacks: await readFallbacks(client, options.fallback),
    signaturePolicyId: await idOf(client, 'policy', options.signaturePolicy),
  };
}
