import type { Command } from 'commander';
import { byteCount, collect, wholeNumber } from '../../command.ts';
import type { Choose, Client } from '../../command.ts';
import { formatBytes } from '../../progress/format.ts';
import { describeFallbacks, fallbackFields } from '../../remotes/fallbacks.ts';
import type { Fallback } from '../../remotes/fallbacks.ts';
import { describeGlobs, readGlobs, withGlobs, withUrl } from '../../remotes/globs.ts';
import type { GlobOptions, TakenRepositories } from '../../remotes/globs.ts';
import { addList } from '../list-command.ts';
import { readRemoteOptions, withRemoteOptions } from '../remotes/remote-commands.ts';
import type { RemoteOptions } from '../remotes/remote-commands.ts';
import { addCreate, addDelete, addShow, addUpdate, listOrNull } from '../thing-commands.ts';
import type { Thing } from '../thing-commands.ts';

interface Proxy extends TakenRepositories {
  readonly id: string;
  readonly basePath: string;
  readonly url: string;
  readonly namespaces: readonly string[];
  readonly policy: string;
  readonly tagTtlSeconds: number;
  readonly notFoundTtlSeconds: number;
  readonly cacheBytes: number | null;
  readonly cachedBytes: number;
  readonly private: boolean | null;
  readonly fallbacks: readonly Fallback[];
}

interface Changes extends RemoteOptions, GlobOptions {
  readonly namespace?: readonly string[];
  readonly tagTtl?: number;
  readonly notFoundTtl?: number;
  readonly cache?: number;
  readonly private?: boolean;
}

const proxy: Thing<Changes> = {
  noun: 'proxy',
  argument: '<base-path>',
  fields: `id basePath url namespaces includeRepositories excludeRepositories repositoriesAtMost repositoryCount policy tagTtlSeconds
    notFoundTtlSeconds cacheBytes cachedBytes private ${fallbackFields}`,
  setUp: withChanges,
  read: readChanges,
};

export function addProxies(program: Command, choose: Choose): void {
  addList<Proxy>(program, choose, {
    usage: 'proxies',
    text: 'list proxies: what makes repositories of a registry when they are first pulled',
    list: () => ({
      key: 'proxies',
      connection: 'proxies',
      nodes: proxy.fields,
      noun: 'proxy',
      columns: ['BASE PATH', 'UPSTREAM', 'NAMESPACES', 'REPOSITORIES', 'AT MOST'],
      row: (one) => [
        one.basePath,
        one.url,
        one.namespaces.join(', '),
        one.repositoryCount,
        one.repositoriesAtMost,
      ],
      none: 'There are no proxies.',
    }),
  });
  const parent = program.command('proxy').description('show, create, change or delete a proxy');
  addShow<Proxy>(parent, choose, proxy, { text: 'show a proxy', lines: describe });
  addCreate(parent, choose, proxy, {
    mutation: 'proxyCreate',
    usage: '<url>',
    text: 'create a proxy; the options of a remote are those of the remotes that it makes',
    setUp: (command) =>
      command.addHelpText(
        'after',
        "\nExample:\n  $ tidemark proxy create docker.io https://registry-1.docker.io --namespace docker.io --include 'library/*'",
      ),
    input: (_, [, url]) => ({ url }),
  });
  addUpdate(parent, choose, proxy, {
    mutation: 'proxyUpdate',
    text: 'change a proxy; the repositories that it has made stay as they are',
    setUp: withUrl,
  });
  addDelete(parent, choose, proxy, {
    mutation: 'proxyDelete',
    text: 'delete a proxy; the repositories that it has made stay',
  });
}

function describe(one: Proxy): [string, string | number | null][] {
  return [
    ['base path', one.basePath],
    ['id', one.id],
    ['url', one.url],
    ...describeFallbacks(one.fallbacks),
    ['namespaces', one.namespaces.join(', ') || null],
    ...describeGlobs(one),
    ['at most', one.repositoriesAtMost],
    ['repositories', one.repositoryCount],
    ['blobs', one.policy],
    ['tags are fresh for', `${one.tagTtlSeconds} s`],
    ['absence is remembered for', `${one.notFoundTtlSeconds} s`],
    ['cache', describeCache(one)],
    ['private', one.private === null ? 'while logins are on' : one.private ? 'yes' : 'no'],
  ];
}

function describeCache({ cachedBytes, cacheBytes }: Proxy): string {
  const limit = cacheBytes === null ? 'no limit of its own' : `at most ${formatBytes(cacheBytes)}`;
  return `${formatBytes(cachedBytes)}, ${limit}`;
}

function withChanges(command: Command): void {
  withGlobs(command, { example: 'library/*', does: 'it makes' });
  command
    .option(
      '--namespace <host>',
      "host of image names that leads here, as docker.io; repeatable; '' for none",
      collect,
    )
    .option(
      '--tag-ttl <seconds>',
      'how long a tag is served without asking the upstream',
      wholeNumber(0, 31_622_400),
    )
    .option(
      '--not-found-ttl <seconds>',
      'how long it is remembered that the upstream lacks something',
      wholeNumber(0, 31_622_400),
    )
    .option('--cache <bytes>', 'the most bytes of layers that it keeps, as 200GiB; 0 for no limit', byteCount)
    .option('--private', 'what it makes is private')
    .option('--no-private', 'what it makes is public');
  withRemoteOptions(command);
}

async function readChanges(client: Client, options: Changes): Promise<Readonly<Record<string, unknown>>> {
  const { upstreamName: _, ...fields } = await readRemoteOptions(client, options);
  return {
    ...fields,
    namespaces: listOrNull(options.namespace),
    ...readGlobs(options),
    tagTtlSeconds: options.tagTtl,
    notFoundTtlSeconds: options.notFoundTtl,
    cacheBytes: options.cache === 0 ? null : options.cache,
    private: options.private,
  };
}
