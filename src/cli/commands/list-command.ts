import type { Command } from 'commander';
import { notFound, readList } from '../api-calls.ts';
import type { ListDocument } from '../api-calls.ts';
import { addClientCommand, wholeNumber } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { printTable } from './print.ts';
import type { Table } from './print.ts';

export interface ListOptions {
  readonly first: number;
  readonly all?: boolean;
}

/** A list of the API, and how it is shown. */
export interface Listing<Node> extends ListDocument, Table<Node> {
  /** The key of the list in `--json`. */
  readonly key: string;
  /** A filter that the API does not have: every row is read, and those are shown. */
  readonly keep?: (node: Node) => boolean;
  /** The message where something that the list belongs to does not exist. */
  readonly missing?: string;
}

export interface ListCommand<Node, Options> {
  readonly usage: string;
  readonly text: string;
  readonly setUp?: (command: Command) => unknown;
  readonly list: (
    client: Client,
    args: readonly string[],
    options: Options,
  ) => Listing<Node> | Promise<Listing<Node>>;
}

/** Registers a command that shows a list page by page, with `--first` and `--all`. */
export function addList<Node, Options extends object = object>(
  parent: Command,
  choose: Choose,
  { setUp, list, ...registration }: ListCommand<Node, Options>,
): void {
  addClientCommand<Options & ListOptions>(parent, choose, {
    ...registration,
    reads: true,
    setUp(command) {
      command
        .option('--first <n>', 'number of rows to show', wholeNumber(1, 1_000_000), 20)
        .option('--all', 'show every row');
      setUp?.(command);
    },
    async run(client, args, options) {
      const { key, keep, missing, noun, columns, row, none, ...document } = await list(client, args, options);
      const { first, all = keep !== undefined } = options;
      const found = await readList<Node>(client.session, document, { first, all });
      if (found === undefined && missing !== undefined) throw notFound(missing);
      const nodes = (found?.nodes ?? []).filter((node) => keep?.(node) ?? true);
      const totalCount = keep === undefined ? (found?.totalCount ?? 0) : nodes.length;
      return printTable(client, key, { totalCount, nodes }, { noun, columns, row, none });
    },
  });
}
