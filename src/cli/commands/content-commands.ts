import type { Command } from 'commander';
import { findNamed, given, mutate, notFound, readList } from '../api-calls.ts';
import { addClientCommand } from '../client-command.ts';
import type { ChooseClient, Client } from '../client-command.ts';
import { wholeNumber } from '../client-options.ts';
import { formatBytes, shortDigest } from '../progress/format.ts';
import { withListOptions } from '../list-options.ts';
import type { ListGiven } from '../list-options.ts';
import { describeVersion } from '../show-version.ts';
import { versionFields } from '../progress/task-queries.ts';
import type { Version } from '../progress/task-queries.ts';
import { localTime, printDone, printTable } from './print.ts';

const versionNumber = wholeNumber(1, 2_147_483_647);

/** Versions, tags and what changes them. */
export function addContent(program: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven>(program, choose, {
    usage: 'versions <repository>',
    text: 'list the versions of a repository, newest first',
    reads: true,
    setUp: withListOptions,
    run: (client, [name = ''], wish) => listVersions(client, name, wish),
  });
  addClientCommand<ListGiven & { readonly version?: number; readonly match?: string }>(program, choose, {
    usage: 'tags <repository>',
    text: 'list the tags of a version; the latest unless said otherwise',
    reads: true,
    setUp: (command) => {
      command
        .option('--version <n>', 'number of the version', versionNumber)
        .option('--match <pattern>', "only tags that match this wildcard, for example 'v1.*'");
      withListOptions(command);
    },
    run: (client, [name = ''], options) => listTags(client, name, options),
  });
  addDiff(program, choose);
  addWholeChanges(program, choose);
}

async function listVersions(client: Client, name: string, wish: ListGiven): Promise<number> {
  const { id } = await findNamed(client.session, 'repository', name);
  const document = {
    head: ', $id: ID!',
    body: (selection: string) =>
      `repository(id: $id) { list: versions(first: $first, after: $after) ${selection} }`,
    nodes: versionFields,
  };
  const versions = (await readList<Version>(client.session, document, wish, { id })) ?? {
    totalCount: 0,
    nodes: [],
  };
  return printTable(client, 'versions', versions, {
    noun: 'version',
    columns: ['VERSION', 'CREATED', 'TAGS', 'MANIFESTS', 'BLOBS', 'SIGNATURES', 'TAG CHANGES'],
    row: ({ number, createdAt, contentSummary: { present, added, removed } }) => [
      number,
      localTime(createdAt),
      present.tags,
      present.manifests,
      present.blobs,
      present.signatures,
      `+${added.tags} -${removed.tags}`,
    ],
    none: `${name} has no versions yet.`,
  });
}

interface Tag {
  readonly name: string;
  readonly digest: string;
  readonly manifest: {
    readonly mediaType: string;
    readonly platform: string | null;
    readonly totalSizeBytes: number;
  };
}

async function listTags(
  client: Client,
  name: string,
  { version, match, ...wish }: ListGiven & { readonly version?: number; readonly match?: string },
): Promise<number> {
  const { id } = await findNamed(client.session, 'repository', name);
  const which = version === undefined ? 'at: latestVersion' : 'at: version(number: $version)';
  const document = {
    head: version === undefined ? ', $id: ID!, $match: String' : ', $id: ID!, $match: String, $version: Int!',
    body: (selection: string) =>
      `repository(id: $id) { ${which} { list: tags(first: $first, after: $after, name: $match) ${selection} } }`,
    nodes: 'name digest manifest { mediaType platform totalSizeBytes }',
  };
  const tags = await readList<Tag>(client.session, document, wish, given({ id, match, version }));
  if (tags === undefined)
    throw notFound(
      version === undefined
        ? `${name} has no version yet.`
        : `${name} has no version ${version}. "tidemark versions ${name}" lists them.`,
    );
  return printTable(client, 'tags', tags, {
    noun: 'tag',
    columns: ['TAG', 'DIGEST', 'PLATFORM', 'SIZE'],
    row: ({ name: own, digest, manifest }) => [
      own,
      shortDigest(digest),
      manifest.platform,
      formatBytes(manifest.totalSizeBytes),
    ],
    none: 'No tag matches.',
  });
}

interface Difference {
  readonly name: string;
  readonly change: 'ADDED' | 'MOVED' | 'REMOVED';
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
}

function addDiff(program: Command, choose: ChooseClient): void {
  addClientCommand<ListGiven & { readonly repository?: string }>(program, choose, {
    usage: 'diff <repository> <from> [to]',
    text: 'show how the tags of two versions differ; [to] is the latest unless said otherwise',
    reads: true,
    setUp: (command) => {
      command.option('--repository <name>', 'the repository of [to], where it is another one');
      withListOptions(command);
      command.addHelpText('after', '\nExample:\n  $ tidemark diff library/nginx 3 7');
    },
    run: async (client, [name = '', from = '', to], { repository: other, ...wish }) => {
      const [fromId, toId] = [
        await findVersion(client, name, from),
        await findVersion(client, other ?? name, to),
      ];
      const document = {
        head: ', $from: ID!, $to: ID!',
        body: (selection: string) =>
          `versionDiff(from: $from, to: $to) { list: tags(first: $first, after: $after) ${selection} }`,
        nodes: 'name change oldDigest newDigest',
      };
      const found = await readList<Difference>(client.session, document, wish, { from: fromId, to: toId });
      return printTable(client, 'tags', found ?? { totalCount: 0, nodes: [] }, {
        noun: 'change',
        columns: ['TAG', 'CHANGE', 'FROM', 'TO'],
        row: ({ name: tag, change, oldDigest, newDigest }) => [
          tag,
          change,
          oldDigest === null ? null : shortDigest(oldDigest),
          newDigest === null ? null : shortDigest(newDigest),
        ],
        none: 'The tags are the same.',
      });
    },
  });
}

/** The id of a version by its number, or of the latest. */
export async function findVersion(client: Client, name: string, number: string | undefined): Promise<string> {
  const { id } = await findNamed(client.session, 'repository', name);
  if (number !== undefined && !/^[1-9][0-9]{0,8}$/.test(number))
    throw notFound(
      `${JSON.stringify(number)} is no number of a version. "tidemark versions ${name}" lists them.`,
    );
  const which = number === undefined ? 'latestVersion' : `version(number: ${number})`;
  const { repository } = await client.session.request<{ repository: { at: { id: string } | null } }>(
    `query ($id: ID!) { repository(id: $id) { at: ${which} { id } } }`,
    { id },
  );
  if (repository.at === null)
    throw notFound(
      number === undefined
        ? `${name} has no version yet.`
        : `${name} has no version ${number}. "tidemark versions ${name}" lists them.`,
    );
  return repository.at.id;
}

export async function changeContent(
  client: Client,
  mutation: string,
  name: string,
  fields: object,
): Promise<number> {
  const { id } = await findNamed(client.session, 'repository', name);
  return publish(client, mutation, name, { repositoryId: id, ...fields });
}

async function publish(client: Client, mutation: string, name: string, input: object): Promise<number> {
  const repository = await mutate<{ readonly latestVersion: Version }>(client.session, mutation, {
    field: 'repository',
    fields: `id name latestVersion { ${versionFields} }`,
    input,
  });
  if (client.json) return printDone(client, { repository }, '');
  for (const line of describeVersion(name, repository.latestVersion)) client.terminal.print(line);
  return 0;
}

function addWholeChanges(program: Command, choose: ChooseClient): void {
  addClientCommand(program, choose, {
    usage: 'restore <repository> <version>',
    text: 'make an old version the latest again, as a new version; the next sync of a mirror undoes that',
    run: async (client, [name = '', number = '']) => {
      const versionId = await findVersion(client, name, number);
      const code = await publish(client, 'repositoryRestoreVersion', name, { versionId });
      const { isMirrored } = await findNamed<{ readonly id: string; readonly isMirrored: boolean }>(
        client.session,
        'repository',
        name,
        'id isMirrored',
      );
      if (isMirrored && !client.json)
        client.terminal.note(
          `${name} is a mirror: the next sync makes it as its upstream is. "tidemark promote" serves an old version and keeps it.`,
        );
      return code;
    },
  });
  addClientCommand<{ readonly version?: number; readonly tags?: string }>(program, choose, {
    usage: 'copy <source> <repository>',
    text: 'copy tags of another repository, as a new version',
    setUp: (command) =>
      void command
        .option('--version <n>', 'the version of the source; the latest unless said otherwise', versionNumber)
        .option('--tags <list>', 'only these tags, separated by commas'),
    run: async (client, [source = '', name = ''], { version, tags }) =>
      changeContent(client, 'repositoryCopyContent', name, {
        sourceVersionId: await findVersion(client, source, version?.toString()),
        ...given({ tags: splitList(tags) }),
      }),
  });
  addClientCommand<{ readonly tags?: string; readonly digests?: string }>(program, choose, {
    usage: 'remove <repository>',
    text: 'remove tags and manifests from a repository, as a new version',
    setUp: (command) =>
      void command
        .option('--tags <list>', 'tags to remove with their manifests, separated by commas')
        .option('--digests <list>', 'manifests to remove, separated by commas'),
    run: (client, [name = ''], { tags, digests }) =>
      changeContent(
        client,
        'repositoryRemoveContent',
        name,
        given({ tags: splitList(tags), digests: splitList(digests) }),
      ),
  });
}

/** Undefined where nothing was given. */
export function splitList(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
