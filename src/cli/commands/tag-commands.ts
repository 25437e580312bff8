import type { Command } from 'commander';
import { findNamed, readList } from '../api-calls.ts';
import { addClientCommand } from '../client-command.ts';
import type { ChooseClient } from '../client-command.ts';
import { shortDigest } from '../progress/format.ts';
import { withListOptions } from '../list-options.ts';
import type { ListGiven } from '../list-options.ts';
import { changeContent } from './content-commands.ts';
import { localTime, printTable } from './print.ts';

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

export function addTag(program: Command, choose: ChooseClient): void {
  const parent = program.command('tag').description('set or remove a tag, or show when it moved');
  addClientCommand<ListGiven>(parent, choose, {
    usage: 'history <repository> <tag>',
    text: 'list the versions that added, moved or removed a tag, newest first',
    reads: true,
    setUp: withListOptions,
    run: async (client, [name = '', tag = ''], wish) => {
      const { id } = await findNamed(client.session, 'repository', name);
      const document = {
        head: ', $id: ID!, $tag: String!',
        body: (selection: string) =>
          `repository(id: $id) { list: tagHistory(name: $tag, first: $first, after: $after) ${selection} }`,
        nodes: 'outcome oldDigest newDigest version { number createdAt task { id } }',
      };
      const entries = await readList<HistoryEntry>(client.session, document, wish, { id, tag });
      return printTable(client, 'history', entries ?? { totalCount: 0, nodes: [] }, {
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
        none: `${name} never had the tag ${JSON.stringify(tag)}.`,
      });
    },
  });
  addClientCommand(parent, choose, {
    usage: 'set <repository> <tag> <digest>',
    text: 'point a tag at a manifest of the repository, as a new version',
    run: (client, [name = '', tag = '', digest = '']) =>
      changeContent(client, 'repositoryTag', name, { tag, digest }),
  });
  addClientCommand(parent, choose, {
    usage: 'remove <repository> <tag>',
    text: 'remove a tag, as a new version; its manifest stays pullable by digest',
    run: (client, [name = '', tag = '']) => changeContent(client, 'repositoryUntag', name, { tag }),
  });
}
