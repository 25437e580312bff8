/** What the rows share: the upstream, the rounds, and which rows are wanted. */
import { join } from 'node:path';
import type { RealRegistry } from '../test/interop/peers.ts';
import { changeOneTag } from './corpora.ts';
import type { Corpus, CorpusName } from './corpora.ts';
import type { RowName } from './rows.ts';

export interface Bench {
  readonly upstream: RealRegistry;
  /** The upstream's storage. */
  readonly storage: string;
  readonly rounds: number;
  /** Of an estate. */
  readonly repositories: number;
  /** False: Tidemark alone, for a quick look. */
  readonly withPeers: boolean;
  wants(row: RowName): boolean;
  /** A path below the bench's own folder, not made yet. */
  path(...parts: readonly string[]): string;
  /** Bytes of a corpus as it was pushed, each blob and manifest once. */
  readonly bytes: ReadonlyMap<CorpusName, number>;
  /** Moves one tag of the upstream's to a new image. */
  change(corpus: Corpus): Promise<void>;
  log(message: string): void;
}

export interface BenchOptions {
  readonly upstream: RealRegistry;
  readonly storage: string;
  readonly bytes: ReadonlyMap<CorpusName, number>;
  readonly folder: string;
  readonly rounds: number;
  readonly repositories: number;
  readonly withPeers: boolean;
  readonly rows: ReadonlySet<RowName>;
}

export function createBench({ folder, rows, ...options }: BenchOptions): Bench {
  let changes = 0;
  return {
    ...options,
    wants: (row) => rows.has(row),
    path: (...parts) => join(folder, ...parts),
    async change(corpus) {
      changes += 1;
      await changeOneTag(options.upstream.url, corpus, changes);
    },
    log: (message) => console.log(`${new Date().toISOString().slice(11, 19)} ${message}`),
  };
}

/** The tags of an upstream's repository, for who has to be told each by name. */
export async function listTags(upstream: RealRegistry, repository: string): Promise<string[]> {
  const response = await fetch(`${upstream.url}/v2/${repository}/tags/list`);
  return ((await response.json()) as { tags: string[] }).tags;
}
