import type { Command } from 'commander';
import { findNamed, mutate } from '../api-calls.ts';
import { addClientCommand, wholeNumber } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { describeError } from '../words.ts';
import { addList } from './list-command.ts';
import { age, localTime, printDone } from './print.ts';
import { addCreate, addDelete, addShow, addUpdate, idOf, orNull } from './thing-commands.ts';
import type { Thing } from './thing-commands.ts';

interface Repository {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly isMirrored: boolean;
  readonly retainVersions: number | null;
  readonly lastSyncedAt: string | null;
  readonly lastSyncError: { readonly code: string; readonly message: string } | null;
  readonly latestVersion: {
    readonly number: number;
    readonly createdAt: string;
    readonly contentSummary: { readonly present: { readonly tags: number } };
  } | null;
  readonly remote: {
    readonly name: string;
    readonly url: string;
    readonly upstreamName: string;
    readonly policy: string;
    readonly includeTags: readonly string[] | null;
    readonly excludeTags: readonly string[] | null;
  } | null;
  readonly signaturePolicy: { readonly name: string } | null;
}

interface Changes {
  readonly description?: string;
  readonly remote?: string;
  readonly retainVersions?: number;
  readonly signaturePolicy?: string;
}

const repository: Thing<Changes> = {
  noun: 'repository',
  argument: '<repository>',
  fields: `id name description isMirrored retainVersions lastSyncedAt lastSyncError { code message }
    latestVersion { number createdAt contentSummary { present { tags manifests blobs signatures } } }
    remote { id name url upstreamName policy includeTags excludeTags } signaturePolicy { id name }`,
  setUp: (command) =>
    command
      .option('--description <text>', "free text; '' clears it")
      .option('--remote <name>', "remote to sync with; '' for none")
      .option(
        '--retain-versions <n>',
        'number of versions to keep; 0 keeps all',
        wholeNumber(0, 2_147_483_647),
      )
      .option('--signature-policy <name>', "signature policy that its images must satisfy; '' for none"),
  read: async (client, { description, remote, retainVersions, signaturePolicy }) => ({
    description: orNull(description),
    remoteId: await idOf(client, 'remote', remote),
    retainVersions: retainVersions === 0 ? null : retainVersions,
    signaturePolicyId: await idOf(client, 'policy', signaturePolicy),
  }),
};

interface ListFilters {
  readonly name?: string;
  readonly stale?: number;
  readonly rule?: string;
  readonly proxy?: string;
  readonly vanished?: boolean;
}

export function addRepositories(program: Command, choose: Choose): void {
  addList<Repository, ListFilters>(program, choose, {
    usage: 'repositories',
    text: 'list repositories with their freshness, source and filters',
    setUp: (command) =>
      command
        .option('--name <pattern>', "only names that match this wildcard, for example 'team/*'")
        .option(
          '--stale <hours>',
          'only mirrors without a successful sync for so many hours',
          wholeNumber(1, 100_000),
        )
        .option('--rule <name>', 'only those that this mirror rule has made')
        .option('--proxy <base-path>', 'only those that this proxy has made')
        .option('--vanished', 'only those that the upstream of their mirror rule no longer has'),
    list: async (client, _args, { name, stale, rule, proxy, vanished }) => ({
      key: 'repositories',
      connection: 'repositories',
      filter: 'name: $name, mirrorRuleId: $rule, proxyId: $proxy, isVanished: $vanished',
      variables: {
        name: ['String', name],
        rule: ['ID', await idOf(client, 'rule', rule)],
        proxy: ['ID', await idOf(client, 'proxy', proxy)],
        vanished: ['Boolean', vanished],
      },
      nodes: repository.fields,
      ...(stale === undefined ? {} : { keep: (one: Repository) => isStale(one, stale) }),
      noun: 'repository',
      columns: ['REPOSITORY', 'VERSION', 'TAGS', 'LAST SYNC', 'LAST ERROR', 'UPSTREAM', 'TAG FILTERS'],
      row: ({ name: own, latestVersion, lastSyncedAt, lastSyncError, remote }) => [
        own,
        latestVersion?.number ?? null,
        latestVersion?.contentSummary.present.tags ?? null,
        age(lastSyncedAt),
        lastSyncError?.code ?? null,
        remote === null ? null : `${remote.url}/${remote.upstreamName}`,
        describeFilters(remote),
      ],
      none:
        stale !== undefined
          ? 'No mirror is stale.'
          : (name ?? rule ?? proxy ?? vanished) !== undefined
            ? 'No repository matches.'
            : 'There are no repositories yet. Create one: tidemark sync nginx:1.27',
    }),
  });
  addRepository(program, choose);
}

function addRepository(program: Command, choose: Choose): void {
  const parent = program.command('repository').description('show, create, change or delete a repository');
  addShow(parent, choose, repository, {
    text: 'show a repository, its source and its last sync',
    lines: describe,
  });
  addCreate(parent, choose, repository, {
    mutation: 'repositoryCreate',
    text: 'create an empty repository',
  });
  addUpdate(parent, choose, repository, {
    mutation: 'repositoryUpdate',
    text: 'change a repository; its content stays',
  });
  addDelete<{ readonly withRemote?: boolean }>(parent, choose, repository, {
    mutation: 'repositoryDelete',
    text: 'delete a repository with all its versions and schedules',
    setUp: (command) => command.option('--with-remote', 'delete its remote as well'),
    input: ({ withRemote = false }) => ({ deleteRemote: withRemote }),
    said: (name, { withRemote = false }) =>
      `Deleted the repository ${name}${withRemote ? ' and its remote' : ''}.`,
  });
  addClientCommand(parent, choose, {
    usage: 'detach <repository>',
    text: 'turn a mirror into an ordinary repository that accepts pushes; its versions stay',
    run: (client, [name = '']) => detach(client, name),
  });
}

function isStale({ remote, lastSyncedAt }: Repository, hours: number): boolean {
  if (remote === null) return false;
  return lastSyncedAt === null || Date.parse(lastSyncedAt) < Date.now() - hours * 3_600_000;
}

function describeFilters(remote: Repository['remote']): string | null {
  if (remote === null) return null;
  const { includeTags, excludeTags } = remote;
  const parts = [...(includeTags ?? []), ...(excludeTags ?? []).map((pattern) => `not ${pattern}`)];
  return parts.length === 0 ? null : parts.join(', ');
}

function describe(one: Repository): [string, string | number | null][] {
  const { latestVersion, lastSyncError, remote } = one;
  return [
    ['repository', one.name],
    ['id', one.id],
    ['description', one.description],
    ['kind', one.isMirrored ? 'mirror: syncs change it' : 'ordinary: pushes change it'],
    [
      'latest version',
      latestVersion === null ? null : `${latestVersion.number}, ${age(latestVersion.createdAt)}`,
    ],
    ['tags', latestVersion?.contentSummary.present.tags ?? null],
    ['versions to keep', one.retainVersions ?? 'all'],
    ['last sync', localTime(one.lastSyncedAt)],
    ['last error', lastSyncError === null ? null : describeError(lastSyncError)],
    ['remote', remote?.name ?? null],
    ['upstream', remote === null ? null : `${remote.url}/${remote.upstreamName}`],
    ['tag filters', describeFilters(remote)],
    ['blobs', remote?.policy ?? null],
    ['signature policy', one.signaturePolicy?.name ?? null],
  ];
}

async function detach(client: Client, name: string): Promise<number> {
  const { id } = await findNamed(client.session, 'repository', name);
  const detached = await mutate<object>(client.session, 'repositoryDetach', {
    field: 'repository',
    fields: repository.fields,
    input: { id },
  });
  const line = `${name} is now an ordinary repository and accepts pushes.`;
  return printDone(client, { repository: detached }, line);
}
