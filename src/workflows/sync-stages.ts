/**
 * The stages of a sync, in their order. The first activity (`beginSync`) lists the tags and runs the stages that are small, because a step
 * through Temporal costs more than a small stage (docs/decisions/0007-a-short-sync-is-one-step.md). The workflow (`syncRepository`) runs
 * the others, in as many activities as they need.
 */
import type { SyncPlan } from '../activities/sync/plan-sync.ts';
import { tagsAPart } from './parts.ts';
import type { SyncResult } from './sync-input.ts';

/** What the caller asked for, and what the earlier stages counted. The counts of later stages are 0. */
export interface SyncFacts extends SyncPlan, SyncResult {
  readonly dryRun: boolean;
  /** Whether what the upstream no longer has is removed. */
  readonly mirror: boolean;
  readonly downloadConcurrency: number;
  /** Whether a signature policy decides on what is committed. */
  readonly requiresSignatures: boolean;
  /** Names to walk. A name that the upstream lists twice counts twice. */
  readonly positions: number;
  /** How many manifests `includeTags` names by digest. */
  readonly digests: number;
}

interface StageRule {
  readonly name: string;
  /** The stage that the task shows from here on. Absent: the one before. */
  readonly taskStage?: 'FETCHING_MANIFESTS' | 'FETCHING_BLOBS' | 'FETCHING_SIGNATURES';
  readonly isNeeded: (facts: SyncFacts) => boolean;
  /** Whether the first activity runs it. */
  readonly isSmall: (facts: SyncFacts) => boolean;
  /** Ends the sync. */
  readonly isLast?: boolean;
  /** For the Temporal UI. */
  readonly describe: (facts: SyncFacts) => string;
}

const always = () => true;
const never = () => false;

export const stages = [
  {
    name: 'walkTags',
    taskStage: 'FETCHING_MANIFESTS',
    isNeeded: ({ positions, digests }) => positions + digests > 0,
    isSmall: ({ positions, digests }) => positions <= tagsAPart && digests === 0,
    describe: ({ positions }) => `fetching the manifests of ${positions} tags`,
  },
  {
    name: 'findRemovals',
    isNeeded: ({ mirror }) => mirror,
    isSmall: always,
    describe: () => 'finding what the upstream has removed',
  },
  {
    name: 'planSync',
    isNeeded: always,
    isSmall: always,
    describe: () => 'counting what is missing',
  },
  {
    name: 'finishDryRun',
    isNeeded: ({ dryRun }) => dryRun,
    isSmall: never,
    isLast: true,
    describe: () => 'ending the dry run',
  },
  {
    name: 'fetchBlobs',
    taskStage: 'FETCHING_BLOBS',
    isNeeded: ({ batches }) => batches > 0,
    isSmall: ({ batches }) => batches === 1,
    describe: ({ blobsToFetch, bytesToFetch }) => `fetching ${blobsToFetch} blobs, ${bytesToFetch} bytes`,
  },
  {
    name: 'fetchSignatures',
    taskStage: 'FETCHING_SIGNATURES',
    isNeeded: ({ manifestsToAsk }) => manifestsToAsk > 0,
    isSmall: never,
    describe: ({ manifestsToAsk }) => `fetching the signatures of ${manifestsToAsk} manifests`,
  },
  {
    name: 'verifySelected',
    isNeeded: ({ requiresSignatures }) => requiresSignatures,
    isSmall: never,
    describe: () => 'checking signatures',
  },
  {
    name: 'commitSync',
    isNeeded: always,
    isSmall: always,
    isLast: true,
    describe: () => 'committing',
  },
] as const satisfies readonly StageRule[];

export type Stage = (typeof stages)[number];
export type StageName = Stage['name'];

/** A sync between two stages. */
export interface UnfinishedSync {
  readonly next: StageName;
  readonly facts: SyncFacts;
}

export interface StageRunner {
  /** Called before each stage. */
  readonly enter: (stage: StageRule, facts: SyncFacts) => Promise<void>;
  /** Each returns what it counted. */
  readonly steps: { readonly [Name in StageName]?: (facts: SyncFacts) => Promise<Partial<SyncFacts> | void> };
  /** Stop before the first stage that is not small. */
  readonly onlySmall: boolean;
}

/** Runs the stages from `next` on, to the end of the sync or to the first stage that is not for this runner. */
export async function runStages(
  { next, facts: before }: UnfinishedSync,
  { enter, steps, onlySmall }: StageRunner,
): Promise<SyncResult | UnfinishedSync> {
  const first = stages.findIndex(({ name }) => name === next);
  if (first < 0) throw new Error(`This version of Tidemark knows no stage ${next} of a sync.`);
  let facts = before;
  for (const stage of stages.slice(first) as readonly (StageRule & { name: StageName })[]) {
    if (!stage.isNeeded(facts)) continue;
    const step = steps[stage.name];
    if (step === undefined || (onlySmall && !stage.isSmall(facts))) return { next: stage.name, facts };
    await enter(stage, facts);
    facts = { ...facts, ...(await step(facts)) };
    if (stage.isLast === true) break;
  }
  return { createdVersion: facts.createdVersion };
}
