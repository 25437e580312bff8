/** The names of the rows, and what each row of syncs measures. */
import type { CorpusName } from './corpora.ts';
import type { Work } from './peers.ts';
import type { SceneName } from './scenes.ts';

export interface SyncRow {
  readonly name: string;
  readonly corpus: CorpusName;
  readonly scene: SceneName;
  readonly works: readonly Work[];
  /** The most rounds that it runs, where one takes minutes. */
  readonly roundsMax: number;
}

const everyWork: readonly Work[] = ['first', 'again', 'changed'];
const firstAndAgain: readonly Work[] = ['first', 'again'];
const always = Number.POSITIVE_INFINITY;

const described = [
  { name: 'small', corpus: 'small', scene: 'loopback', works: everyWork, roundsMax: always },
  { name: 'big', corpus: 'big', scene: 'loopback', works: everyWork, roundsMax: always },
  { name: 'manytags', corpus: 'manytags', scene: 'loopback', works: everyWork, roundsMax: always },
  { name: 'tags10k', corpus: 'tags10k', scene: 'loopback', works: everyWork, roundsMax: 3 },
  { name: 'small-20ms', corpus: 'small', scene: '20ms', works: firstAndAgain, roundsMax: always },
  { name: 'big-20ms', corpus: 'big', scene: '20ms', works: firstAndAgain, roundsMax: 3 },
  { name: 'manytags-20ms', corpus: 'manytags', scene: '20ms', works: firstAndAgain, roundsMax: 3 },
  { name: 'tags10k-20ms', corpus: 'tags10k', scene: '20ms', works: firstAndAgain, roundsMax: 1 },
  { name: 'small-80ms', corpus: 'small', scene: '80ms', works: firstAndAgain, roundsMax: always },
  { name: 'big-80ms', corpus: 'big150', scene: '80ms', works: firstAndAgain, roundsMax: 2 },
  { name: 'manytags-80ms', corpus: 'manytags', scene: '80ms', works: firstAndAgain, roundsMax: 2 },
  { name: 'tags10k-80ms', corpus: 'tags10k', scene: '80ms', works: firstAndAgain, roundsMax: 1 },
  { name: 'small-tls', corpus: 'small', scene: 'tls', works: firstAndAgain, roundsMax: always },
  { name: 'big-tls', corpus: 'big', scene: 'tls', works: firstAndAgain, roundsMax: 3 },
  { name: 'small-tls-20ms', corpus: 'small', scene: 'tls-20ms', works: firstAndAgain, roundsMax: always },
  { name: 'big-tls-20ms', corpus: 'big', scene: 'tls-20ms', works: firstAndAgain, roundsMax: 2 },
] as const satisfies readonly SyncRow[];

export type SyncRowName = (typeof described)[number]['name'];

export const syncRows: readonly (SyncRow & { readonly name: SyncRowName })[] = described;

export const rowNames = [
  'start',
  ...described.map(({ name }) => name),
  'line',
  'estate',
  'estate-20ms',
  'unchanged1000',
  'statements',
  'blobs',
  'manifests',
  'graphql',
  's3',
  'proxies',
  'readyz',
  'growth',
  'difference',
  'console',
  'workers',
] as const;
export type RowName = (typeof rowNames)[number];
