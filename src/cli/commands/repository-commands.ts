import type { Command } from 'commander';
import { findNamed, given, mutate, readList } from '../api-calls.ts';
import { addClientCommand } from '../client-command.ts';
import type { ChooseClient, Client } from '../client-command.ts';
import { wholeNumber } from '../client-options.ts';
import { withListOptions } from '../list-options.ts';
import type { ListGiven } from '../list-options.ts';
import { deleteThing } from './delete-thing.ts';
import { age, localTime, printDone, printTable, printThing } from './print.ts';

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

const fields = `id name description isMirrored retainVersions lastSyncedAt lastSyncError { code message }
  latestVersion { number createdAt contentSummary { present { tags manifests blobs signatures } } }
  remote { id name url upstreamName policy includeTags excludeTags } signaturePolicy { id name }`;

export function addRepositories(program: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven & { readonly name?: string; readonly stale?: number }>(program, choose, {
    usage: 'repositories',
    text: 'list repositories with their freshness, source and filters',
    reads: true,
    setUp: (command) => {
      command
        .option('--name <pattern>', "only names that match this wildcard, for example 'team/*'")
        .option(
          '--stale <hours>',
          'only mirrors without a successful sync for so many hours',
          wholeNumber(1, 100_000),
        );
      withListOptions(command);
    },
    run: (client, _, options) => list(client, options),
  });
  const parent = program.command('repository').description('show, create, change or delete one repository');
  addReads(parent, choose);
  addChanges(parent, choose);
}

async function list(
  client: Client,
  { name, stale, ...wish }: ListGiven & { readonly name?: string; readonly stale?: number },
): Promise<number> {
  const document = {
    head: ', $name: String',
    body: (selection: string) => `list: repositories(first: $first, after: $after, name: $name) ${selection}`,
    nodes: fields,
  };
  // freshness is no filter of the API: all rows are looked at
  const read = await readList<Repository>(
    client.session,
    document,
    stale === undefined ? wish : { ...wish, all: true },
    { name },
  );
  const repositories = read ?? { totalCount: 0, nodes: [] };
  const shown = stale === undefined ? repositories : onlyStale(repositories.nodes, stale);
  return printTable(client, 'repositories', shown, {
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
      stale === undefined
        ? 'There are no repositories yet. Create one: tidemark sync nginx:1.27'
        : 'No mirror is stale.',
  });
}

function onlyStale(nodes: readonly Repository[], hours: number) {
  const oldest = Date.now() - hours * 3_600_000;
  const stale = nodes.filter(
    ({ remote, lastSyncedAt }) =>
      remote !== null && (lastSyncedAt === null || Date.parse(lastSyncedAt) < oldest),
  );
  return { totalCount: stale.length, nodes: stale };
}

function describeFilters(remote: Repository['remote']): string | null {
  if (remote === null) return null;
  const { includeTags, excludeTags } = remote;
  const parts = [...(includeTags ?? []), ...(excludeTags ?? []).map((pattern) => `not ${pattern}`)];
  return parts.length === 0 ? null : parts.join(', ');
}

function addReads(parent: Command, choose: ChooseClient): void {
  addClientCommand(parent, choose, {
    usage: 'show <repository>',
    text: 'show a repository, its source and its last sync',
    reads: true,
    run: async (client, [name = '']) => {
      const one = await findNamed<Repository>(client.session, 'repository', name, fields);
      const { latestVersion, lastSyncError, remote } = one;
      return printThing(client, 'repository', one, [
        ['repository', one.name],
        ['id', one.id],
        ['description', one.description],
        ['kind', one.isMirrored ? 'mirror: syncs change it' : 'ordinary: pushes change it'],
        [
          'latest version',
          latestVersion === null ? null : `${latestVersion.number}, ${age(latestVersion.createdAt)}`,
        ],
        ['tags', latestVersion?.contentSummary.present.tags ?? null],
        ['kept versions', one.retainVersions ?? 'all'],
        ['last sync', localTime(one.lastSyncedAt)],
        ['last error', lastSyncError === null ? null : `${lastSyncError.code}: ${lastSyncError.message}`],
        ['remote', remote?.name ?? null],
        ['upstream', remote === null ? null : `${remote.url}/${remote.upstreamName}`],
        ['tag filters', describeFilters(remote)],
        ['blobs', remote?.policy ?? null],
        ['signature policy', one.signaturePolicy?.name ?? null],
      ]);
    },
  });
}

interface Changes {
  readonly name?: string;
  readonly description?: string;
  readonly remote?: string;
  readonly retainVersions?: number;
  readonly signaturePolicy?: string;
}

function withChanges(command: Command): void {
  command
    .option('--description <text>', "text for people; '' clears it")
    .option('--remote <name>', "the remote to sync with; '' takes it off")
    .option('--retain-versions <n>', 'number of versions to keep; 0 keeps all', wholeNumber(0, 2_147_483_647))
    .option('--signature-policy <name>', "the policy that has to verify its images; '' for none");
}

async function readChanges(client: Client, changes: Changes): Promise<Record<string, unknown>> {
  const { description, remote, retainVersions, signaturePolicy } = changes;
  const idOf = async (noun: 'remote' | 'policy', name: string | undefined) => {
    if (name === undefined) return undefined;
    return name === '' ? null : (await findNamed(client.session, noun, name)).id;
  };
  return given({
    description: description === '' ? null : description,
    remoteId: await idOf('remote', remote),
    retainVersions: retainVersions === 0 ? null : retainVersions,
    signaturePolicyId: await idOf('policy', signaturePolicy),
  });
}

function addChanges(parent: Command, choose: ChooseClient): void {
  addClientCommand<Changes>(parent, choose, {
    usage: 'create <repository>',
    text: 'create an empty repository',
    setUp: withChanges,
    run: async (client, [name = ''], options) => {
      const repository = await mutate<object>(client.session, 'repositoryCreate', {
        field: 'repository',
        fields,
        input: { name, ...(await readChanges(client, options)) },
      });
      return printDone(client, { repository }, `Created ${name}.`);
    },
  });
  addClientCommand<Changes>(parent, choose, {
    usage: 'update <repository>',
    text: 'change a repository; its content stays',
    setUp: (command) => withChanges(command.option('--name <name>', 'a new name')),
    run: async (client, [name = ''], options) => {
      const { id } = await findNamed(client.session, 'repository', name);
      const repository = await mutate<Repository>(client.session, 'repositoryUpdate', {
        field: 'repository',
        fields,
        input: { id, ...given({ name: options.name }), ...(await readChanges(client, options)) },
      });
      return printDone(client, { repository }, `Changed ${repository.name}.`);
    },
  });
  addClientCommand<{ readonly withRemote?: boolean }>(parent, choose, {
    usage: 'delete <repository>',
    text: 'delete a repository with all its versions and schedules',
    setUp: (command) => void command.option('--with-remote', 'delete its remote as well'),
    run: async (client, [name = ''], { withRemote = false }) => {
      const { id } = await findNamed(client.session, 'repository', name);
      return deleteThing(
        client,
        'repositoryDelete',
        { id, deleteRemote: withRemote },
        `Deleted ${name}${withRemote ? ' and its remote' : ''}.`,
      );
    },
  });
  addClientCommand(parent, choose, {
    usage: 'detach <repository>',
    text: 'turn a mirror into an ordinary repository that takes pushes; its versions stay',
    run: async (client, [name = '']) => {
      const { id } = await findNamed(client.session, 'repository', name);
      const repository = await mutate<object>(client.session, 'repositoryDetach', {
        field: 'repository',
        fields,
        input: { id },
      });
      return printDone(client, { repository }, `${name} is an ordinary repository now; it takes pushes.`);
    },
  });
}
