import type { Command } from 'commander';
import { collect, wholeNumber } from '../command.ts';
import { listOrNull } from '../commands/thing-commands.ts';

/** What mirror rules and proxies take of a registry. */
export interface TakenRepositories {
  readonly includeRepositories: readonly string[];
  readonly excludeRepositories: readonly string[];
  readonly repositoriesAtMost: number;
  readonly repositoryCount: number;
}

export interface GlobOptions {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly atMost?: number;
}

/** @param does What `atMost` limits: `it makes`. */
export function withGlobs(
  command: Command,
  { example, does }: { readonly example: string; readonly does: string },
): void {
  command
    .option('--include <glob>', `only repositories that match: '${example}'; repeatable; '' for all`, collect)
    .option('--exclude <glob>', "not the repositories that match; repeatable; '' for none", collect)
    .option('--at-most <n>', `the most repositories that ${does}`, wholeNumber(1, 100_000));
}

export function readGlobs({ include, exclude, atMost }: GlobOptions) {
  return {
    includeRepositories: listOrNull(include),
    excludeRepositories: listOrNull(exclude),
    repositoriesAtMost: atMost,
  };
}

export function describeGlobs({
  includeRepositories,
  excludeRepositories,
}: Pick<TakenRepositories, 'includeRepositories' | 'excludeRepositories'>): [string, string][] {
  return [
    ['include', includeRepositories.join(', ') || 'all'],
    ['exclude', excludeRepositories.join(', ')],
  ];
}

/** Of a mirror rule or proxy that is changed. */
export function withUrl(command: Command): void {
  command.option('--url <url>', 'base URL of the registry; another one drops the stored secrets');
}
