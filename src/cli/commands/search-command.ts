import type { Command } from 'commander';
import { addClientCommand, wholeNumber } from '../command.ts';
import type { Choose } from '../command.ts';
import { printJson, showRows } from './print.ts';

interface Hit {
  readonly kind: string;
  readonly tag: string | null;
  readonly digest: string | null;
  readonly repository: { readonly name: string } | null;
  readonly task: { readonly id: string; readonly name: string; readonly state: string } | null;
}

const query = `query ($text: String!, $first: Int!) {
  search(text: $text, first: $first) { kind tag digest repository { name } task { id name state } }
}`;

export function addSearch(program: Command, choose: Choose): void {
  addClientCommand<{ readonly first: number }>(program, choose, {
    usage: 'search <text>',
    text: 'find repositories, tags, digests and tasks',
    setUp: (command) =>
      command.option('--first <n>', 'number of rows of each kind to show', wholeNumber(1, 100), 20),
    run: async (client, [text = ''], { first }) => {
      const { search } = await client.session.request<{ search: readonly Hit[] }>(query, { text, first });
      if (client.json) printJson(client, { search });
      else if (search.length === 0) client.terminal.print(`Nothing matches ${JSON.stringify(text)}.`);
      else
        showRows(
          client,
          ['KIND', 'REPOSITORY', 'TAG', 'DIGEST', 'TASK'],
          search.map(({ kind, repository, tag, digest, task }) => [
            kind,
            repository?.name ?? null,
            tag,
            digest,
            task === null ? null : `${task.id} ${task.name} ${task.state}`,
          ]),
        );
      return search.length === 0 ? 1 : 0;
    },
  });
}
