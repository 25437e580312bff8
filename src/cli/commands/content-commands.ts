import type { Command } from 'commander';
import { findNamed, given, mutate } from '../api-calls.ts';
import { addClientCommand, versionNumber } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { formatBytes, shortDigest } from '../progress/format.ts';
import { versionFields } from '../progress/task-queries.ts';
import type { Version } from '../progress/task-queries.ts';
import { describeVersion } from '../show-version.ts';
import { findVersion, noVersion } from './find-version.ts';
import { addList } from './list-command.ts';
import { localTime, printDone } from './print.ts';
import { splitList } from './thing-commands.ts';

interface Tag {
  readonly name: string;
  readonly digest: string;
  readonly manifest: {
    readonly platform: string | null;
    readonly presentChildren: number;
    readonly absentChildren: number;
    readonly totalSizeBytes: number;
  };
}

interface Difference {
  readonly name: string;
  readonly change: 'ADDED' | 'MOVED' | 'REMOVED';
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
}

/** Versions, tags and the commands that change them. */
export function addContent(program: Command, choose: Choose): void {
  addVersions(program, choose);
  addTags(program, choose);
  addDiff(program, choose);
  addRestore(program, choose);
  addChanges(program, choose);
}

function addVersions(program: Command, choose: Choose): void {
  addList<Version>(program, choose, {
    usage: 'versions <repository>',
    text: 'list the versions of a repository, newest first',
    list: async ({ session }, [name = '']) => ({
      key: 'versions',
      connection: 'versions',
      within: ['repository(id: $id)'],
      variables: { id: ['ID!', (await findNamed(session, 'repository', name)).id] },
      nodes: versionFields,
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
    }),
  });
}

function addTags(program: Command, choose: Choose): void {
  addList<Tag, { readonly version?: number; readonly match?: string }>(program, choose, {
    usage: 'tags <repository>',
    text: 'list the tags of a version',
    setUp: (command) =>
      command
        .option('--version <n>', 'number of the version (default: the latest)', versionNumber)
        .option('--match <pattern>', "only tags that match this wildcard, for example 'v1.*'"),
    list: async ({ session }, [name = ''], { version, match }) => ({
      key: 'tags',
      connection: 'tags',
      filter: 'name: $match',
      within: [
        'repository(id: $id)',
        version === undefined ? 'at: latestVersion' : `at: version(number: ${version})`,
      ],
      variables: {
        id: ['ID!', (await findNamed(session, 'repository', name)).id],
        match: ['String', match],
      },
      nodes: 'name digest manifest { mediaType platform presentChildren absentChildren totalSizeBytes }',
      missing: noVersion(name, version),
      noun: 'tag',
      columns: ['TAG', 'DIGEST', 'PLATFORM', 'SIZE'],
      row: ({ name: own, digest, manifest }) => [
        own,
        shortDigest(digest),
        manifest.platform ?? describeSparse(manifest),
        formatBytes(manifest.totalSizeBytes),
      ],
      none: 'No tag matches.',
    }),
  });
}

/** Of an index without some of its manifests; null for any other. */
function describeSparse({ presentChildren, absentChildren }: Tag['manifest']): string | null {
  return absentChildren === 0 ? null : `${presentChildren} of ${presentChildren + absentChildren} manifests`;
}

function addDiff(program: Command, choose: Choose): void {
  addList<Difference, { readonly repository?: string }>(program, choose, {
    usage: 'diff <repository> <from> [to]',
    text: 'show how the tags of two versions differ; [to] is the latest by default',
    setUp: (command) =>
      command
        .option('--repository <name>', 'repository of [to] (default: <repository>)')
        .addHelpText('after', '\nExample:\n  $ tidemark diff library/nginx 3 7'),
    list: async (client, [name = '', from = '', to], { repository: other = name }) => ({
      key: 'tags',
      connection: 'tags',
      within: ['versionDiff(from: $from, to: $to)'],
      variables: {
        from: ['ID!', await findVersion(client, name, from)],
        to: ['ID!', await findVersion(client, other, to)],
      },
      nodes: 'name change oldDigest newDigest',
      noun: 'change',
      columns: ['TAG', 'CHANGE', 'FROM', 'TO'],
      row: ({ name: tag, change, oldDigest, newDigest }) => [
        tag,
        change,
        oldDigest === null ? null : shortDigest(oldDigest),
        newDigest === null ? null : shortDigest(newDigest),
      ],
      none: 'The tags are the same.',
    }),
  });
}

function addRestore(program: Command, choose: Choose): void {
  addClientCommand(program, choose, {
    usage: 'restore <repository> <version>',
    text: 'publish an old version again as the latest; the next sync of a mirror undoes that',
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
          `${name} is a mirror: its next sync restores the state of the upstream. "tidemark promote" serves an old version permanently.`,
        );
      return code;
    },
  });
}

function addChanges(program: Command, choose: Choose): void {
  addClientCommand<{ readonly version?: number; readonly tags?: string }>(program, choose, {
    usage: 'copy <source> <repository>',
    text: 'copy tags of another repository, as a new version',
    setUp: (command) =>
      command
        .option('--version <n>', 'version of the source (default: the latest)', versionNumber)
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
      command
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
