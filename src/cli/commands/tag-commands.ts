import type { Command } from 'commander';
import { findNamed, mutate } from '../api-calls.ts';
import { addClientCommand } from '../command.ts';
import type { Choose } from '../command.ts';
import { shortDigest } from '../progress/format.ts';
import { changeContent } from './content-commands.ts';
import { addList } from './list-command.ts';
import { inOwnWords } from '../words.ts';
import { localTime, printDone, printThing } from './print.ts';

interface HistoryEntry {
  readonly outcome: string;
  readonly oldDigest: string | null;
  readonly newDigest: string | null;
  readonly version: {
    readonly number: number;
    readonly createdAt: string;
    readonly task: { readonly id: string } | null;
  };
}

interface WaitingTag {
  readonly name: string;
  readonly digest: string;
  readonly firstSeenAt: string;
  readonly dueAt: string;
}

interface TagRelease {
  readonly name: string;
  readonly digest: string;
  readonly reason: string;
  readonly releasedBy: string | null;
  readonly releasedAt: string;
}

interface Explanation {
  readonly name: string;
  readonly outcome: string;
  readonly rule: string;
  readonly detail: string;
  readonly presentDigest: string | null;
}

function addExplain(program: Command, choose: Choose): void {
  addClientCommand(program, choose, {
    usage: 'explain <repository> <tag>',
    text: 'say why a repository has a tag, or lacks it',
    reads: true,
    run: async (client, [repository = '', tag = '']) => {
      const { id } = await findNamed(client.session, 'repository', repository);
      const answer = await client.session.request<{ repository: { explainTag: Explanation } }>(
        'query ($id: ID!, $tag: String!) { repository(id: $id) { explainTag(name: $tag) { name outcome rule detail presentDigest } } }',
        { id, tag },
      );
      const { outcome, rule, detail, presentDigest } = answer.repository.explainTag;
      return printThing(client, 'explanation', answer.repository.explainTag, [
        ['tag', tag],
        ['outcome', outcome],
        ['decided by', inOwnWords(rule)],
        ['digest', presentDigest],
        ['why', inOwnWords(detail)],
      ]);
    },
  });
}

export function addTag(program: Command, choose: Choose): void {
  addExplain(program, choose);
  const parent = program
    .command('tag')
    .description('set, remove or release a tag, show its history, or list those that wait');
  addHistory(parent, choose);
  addWaiting(parent, choose);
  addReleases(parent, choose);
  addSet(parent, choose);
  addRemove(parent, choose);
  addRelease(parent, choose);
}

function addHistory(parent: Command, choose: Choose): void {
  addList<HistoryEntry>(parent, choose, {
    usage: 'history <repository> <tag>',
    text: 'list the versions that added, moved or removed a tag, newest first',
    list: async ({ session }, [name = '', tag = '']) => ({
      key: 'history',
      connection: 'tagHistory',
      filter: 'name: $tag',
      within: ['repository(id: $id)'],
      variables: {
        id: ['ID!', (await findNamed(session, 'repository', name)).id],
        tag: ['String!', tag],
      },
      nodes: 'outcome oldDigest newDigest version { number createdAt task { id } }',
      noun: 'change',
      columns: ['VERSION', 'WHEN', 'CHANGE', 'FROM', 'TO', 'TASK'],
      row: ({ version, outcome, oldDigest, newDigest }) => [
        version.number,
        localTime(version.createdAt),
        outcome,
        oldDigest === null ? null : shortDigest(oldDigest),
        newDigest === null ? null : shortDigest(newDigest),
        version.task?.id ?? null,
      ],
      none: `${name} has never had the tag ${JSON.stringify(tag)}.`,
    }),
  });
}

function addWaiting(parent: Command, choose: Choose): void {
  addList<WaitingTag>(parent, choose, {
    usage: 'waiting <repository>',
    text: 'list the tags that wait for the minimum age, and when they are due',
    list: async ({ session }, [name = '']) => ({
      key: 'waiting',
      connection: 'waitingTags',
      within: ['repository(id: $id)'],
      variables: { id: ['ID!', (await findNamed(session, 'repository', name)).id] },
      nodes: 'name digest firstSeenAt dueAt',
      noun: 'tag',
      columns: ['TAG', 'DIGEST', 'FIRST SEEN', 'DUE'],
      row: ({ name: tag, digest, firstSeenAt, dueAt }) => [
        tag,
        shortDigest(digest),
        localTime(firstSeenAt),
        localTime(dueAt),
      ],
      none: `No tag of ${name} waits for the minimum age.`,
    }),
  });
}

function addReleases(parent: Command, choose: Choose): void {
  addList<TagRelease>(parent, choose, {
    usage: 'releases <repository>',
    text: 'list the digests that were released before their minimum age: who, when and why',
    list: async ({ session }, [name = '']) => ({
      key: 'releases',
      connection: 'tagReleases',
      within: ['repository(id: $id)'],
      variables: { id: ['ID!', (await findNamed(session, 'repository', name)).id] },
      nodes: 'name digest reason releasedBy releasedAt',
      noun: 'release',
      columns: ['TAG', 'DIGEST', 'RELEASED', 'BY', 'REASON'],
      row: ({ name: tag, digest, releasedAt, releasedBy, reason }) => [
        tag,
        shortDigest(digest),
        localTime(releasedAt),
        releasedBy,
        reason,
      ],
      none: `No digest of ${name} was released before its minimum age.`,
    }),
  });
}

function addSet(parent: Command, choose: Choose): void {
  addClientCommand(parent, choose, {
    usage: 'set <repository> <tag> <digest>',
    text: 'point a tag at a manifest of the repository, as a new version',
    run: (client, [name = '', tag = '', digest = '']) =>
      changeContent(client, 'repositoryTag', name, { tag, digest }),
  });
}

function addRemove(parent: Command, choose: Choose): void {
  addClientCommand(parent, choose, {
    usage: 'remove <repository> <tag>',
    text: 'remove a tag, as a new version; its manifest stays pullable by digest',
    run: (client, [name = '', tag = '']) => changeContent(client, 'repositoryUntag', name, { tag }),
  });
}

function addRelease(parent: Command, choose: Choose): void {
  addClientCommand<{ readonly reason: string }>(parent, choose, {
    usage: 'release <repository> <tag>',
    text: 'take a waiting tag now, before its minimum age',
    setUp: (command) => command.requiredOption('--reason <text>', 'why; stored with your name'),
    run: async (client, [repository = '', tag = ''], { reason }) => {
      const { id } = await findNamed(client.session, 'repository', repository);
      const task = await mutate<{ readonly id: string }>(client.session, 'tagRelease', {
        field: 'task',
        fields: 'id',
        input: { repositoryId: id, name: tag, reason },
      });
      return printDone(
        client,
        { task },
        `Released ${tag} of ${repository}. Its sync is the task ${task.id}.`,
      );
    },
  });
}
