import type { Command } from 'commander';
import { wholeNumber } from './client-options.ts';
import type { ListWish } from './api-calls.ts';

export function withListOptions(command: Command): void {
  command
    .option('--first <n>', 'number of rows to show', wholeNumber(1, 1_000_000), 20)
    .option('--all', 'show every row');
}

export type ListGiven = ListWish;
