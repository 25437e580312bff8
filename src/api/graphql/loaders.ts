import type { EntityName } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import { visibilityOf } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import { readAccessGrants, readAccessTokens } from '../../db/access/access-tokens.ts';
import { countChildren, readDescriptors } from '../../db/reads/read-absences.ts';
import type { ParentInVersion } from '../../db/reads/read-absences.ts';
import { readBlobs, readContentPages } from '../../db/reads/read-content.ts';
import { readPoliciesInForce } from '../../db/distributions/distributions.ts';
import { readServedAt } from '../../db/access/pointers.ts';
import { countMoves, readDistributions, readMovePages } from '../../db/reads/read-distributions.ts';
import { readFreshness } from '../../db/reads/read-freshness.ts';
import {
  readChildren,
  readDocuments,
  readManifestBlobs,
  readManifests,
  readTotalSizes,
} from '../../db/reads/read-manifests.ts';
import type { Page } from '../../db/reads/read-page.ts';
import { readPlans, readTagOutcomeCounts, readTaskTagPages } from '../../db/reads/read-plans.ts';
import { readNamed } from '../../db/reads/read-named.ts';
import type { Named } from '../../db/reads/read-named.ts';
import { readSignatureVerifications, readTagVerifications } from '../../db/policies/read-verifications.ts';
import { readReferrersOf, readSignatures, readSignaturesOf } from '../../db/reads/read-signatures.ts';
import type { ManifestInVersion } from '../../db/reads/read-signatures.ts';
import {
  countRepositorySchedules,
  countScheduleRuns,
  readRepositorySchedulePages,
  readScheduleRunPages,
  readScheduleStates,
  readSchedules,
} from '../../db/reads/read-schedules.ts';
import { countTags, readTagPages, readVersionTags } from '../../db/reads/tags/read-tags.ts';
import { countTagReleases, readTagReleasePages } from '../../db/reads/tags/read-tag-releases.ts';
import { countRepositoryTasks, readRepositoryTaskPages, readTasks } from '../../db/reads/read-tasks.ts';
import { countWaitingTags, readWaitingPages } from '../../db/reads/tags/read-waiting-tags.ts';
import {
  countRuleOutcomes,
  countRuleRepositories,
  readLastRuns,
  readRuleOutcomePages,
  readVanished,
} from '../../db/rules/read-rules.ts';
import { countVersions, readVersionPages, readVersions } from '../../db/reads/read-versions.ts';
import type { VersionKey } from '../../db/reads/read-versions.ts';
import type { Em } from '../../db/open-database.ts';
import { Credential } from '../../db/schema/credentials.ts';
import { Remote } from '../../db/schema/remotes.ts';
import { Repository } from '../../db/schema/repositories.ts';
import { MirrorRule } from '../../db/schema/rules.ts';
import { SignaturePolicy } from '../../db/schema/signatures.ts';
import { readTaskCounts } from '../../db/tasks/tasks.ts';
import { readWarnings } from '../../db/tasks/task-warnings.ts';
import { readTaskUpstreams } from '../../db/upstreams/task-upstreams.ts';
import type { Visibility } from '../../db/access/visibility.ts';

/** One statement for many parents. */
type Read<Key, Value> = (em: Em, keys: readonly Key[]) => Promise<readonly Value[]>;

/** The same for objects by id, of which a caller sees only some. */
type ReadSeen<Key, Value> = (
  em: Em,
  visibility: Visibility,
  keys: readonly Key[],
) => Promise<readonly Value[]>;

/** The same for what is below a manifest in a version. */
type ReadBelow<Value> = (
  em: Em,
  visibility: Visibility,
  parents: readonly ParentInVersion[],
) => Promise<readonly Value[]>;

/** A list below a parent. All parents with the same arguments are read in one statement. */
interface Below<Parent, Arguments> {
  readonly parent: Parent;
  readonly page: Arguments;
}

export type Loaders = ReturnType<typeof createLoaders>;

/**
 * Batches all reads of one request: a field costs one statement, however large the page. Created for each request and for each event of a
 * subscription, so that no stale data is returned. Objects that the viewer may not see are treated as absent. `seenById` loads objects;
 * `byId` and `lists` load only what is below an object that was loaded so.
 */
export function createLoaders(em: Em, viewer: Viewer) {
  const visibility = visibilityOf(viewer);
  const administered = visibilityOf(viewer, 'admin');
  const maintained = visibilityOf(viewer, 'maintainer');
  const isShared = viewer.kind !== 'everybody';
  const seenById = <Value>(read: ReadSeen<number, Value>): DataLoader<number, Value> =>
    new DataLoader((ids) => read(em, visibility, ids), { maxBatchSize: 1_000 });
  const named = <Row extends Named>(entity: EntityName<Row>): DataLoader<number, Row | undefined> =>
    seenById((connection, seen, ids) => readNamed(connection, seen, entity, ids));
  const byId = <Value>(read: Read<number, Value>): DataLoader<number, Value> =>
    new DataLoader((ids) => read(em, ids), { maxBatchSize: 1_000 });
  const byVersion = <Key extends VersionKey, Value>(read: Read<Key, Value>): DataLoader<Key, Value, string> =>
    new DataLoader((keys) => read(em, keys), { cacheKeyFn: JSON.stringify, maxBatchSize: 1_000 });

  const below = <Value>(read: ReadBelow<Value>): DataLoader<ParentInVersion, Value, string> =>
    new DataLoader((parents) => read(em, visibility, parents), {
      cacheKeyFn: ({ id, version }) => JSON.stringify([id, version?.repositoryId, version?.number]),
      maxBatchSize: 1_000,
    });

  const byKey = <Key, Value>(
    read: Read<Key, Value>,
    keyOf: (key: Key) => readonly (string | number)[],
  ): DataLoader<Key, Value, string> =>
    new DataLoader((keys) => read(em, keys), {
      cacheKeyFn: (key) => JSON.stringify(keyOf(key)),
      maxBatchSize: 1_000,
    });

  function lists<Parent, Arguments, Value>(
    read: (em: Em, parents: readonly Parent[], page: Arguments) => Promise<readonly Value[]>,
  ): DataLoader<Below<Parent, Arguments>, Value, string> {
    return new DataLoader((keys) => readGrouped(em, keys, read), {
      cacheKeyFn: JSON.stringify,
      maxBatchSize: 1_000,
    });
  }

  return {
    visibility,
    administered,
    repositories: named(Repository),
    remotes: named(Remote),
    distributions: seenById(readDistributions),
    servedAt: byId((connection, ids) => readServedAt(connection, { visibility, maintained, isShared }, ids)),
    credentials: named(Credential),
    signaturePolicies: named(SignaturePolicy),
    policiesInForce: byId(readPoliciesInForce),
    movePages: lists(readMovePages),
    moveCounts: byId(countMoves),
    tasks: seenById(readTasks),
    taskCounts: byId(async (_, ids) => {
      const counts = await readTaskCounts(em, ids);
      return ids.map((id) => counts.get(id));
    }),
    taskWarnings: byId(readWarnings),
    taskUpstreams: byId(readTaskUpstreams),
    plans: byId(readPlans),
    taskTags: lists(readTaskTagPages),
    tagOutcomeCounts: byId(readTagOutcomeCounts),
    versions: byVersion((_, keys) => readVersions(em, visibility, keys)),
    versionPages: lists(readVersionPages),
    versionCounts: byId(countVersions),
    waitingPages: lists(readWaitingPages),
    waitingCounts: byKey(countWaitingTags, ({ repositoryId, seconds }) => [repositoryId, seconds ?? 0]),
    tagReleasePages: lists(readTagReleasePages),
    tagReleaseCounts: byId(countTagReleases),
    repositoryTaskPages: lists(readRepositoryTaskPages),
    repositoryTaskCounts: byId(countRepositoryTasks),
    freshness: byId(readFreshness),
    scheduleStates: byId(readScheduleStates),
    schedules: seenById(readSchedules),
    repositorySchedulePages: lists(readRepositorySchedulePages),
    repositoryScheduleCounts: byId(countRepositorySchedules),
    scheduleRunPages: lists(readScheduleRunPages),
    scheduleRunCounts: byId(countScheduleRuns),
    versionTags: byVersion(readVersionTags),
    tagPages: lists(readTagPages),
    tagCounts: lists(countTags),
    signatureVerifications: byKey(readSignatureVerifications, ({ id, repositoryId }) => [id, repositoryId]),
    tagVerifications: byKey(readTagVerifications, ({ repositoryId, addedIn, name }) => [
      repositoryId,
      addedIn,
      name,
    ]),
    contentPages: lists(readContentPages),
    manifests: seenById(readManifests),
    blobs: seenById(readBlobs),
    signatures: seenById(readSignatures),
    manifestSignatures: new DataLoader(
      (manifests: readonly ManifestInVersion[]) => readSignaturesOf(em, visibility, manifests),
      { cacheKeyFn: JSON.stringify, maxBatchSize: 1_000 },
    ),
    manifestReferrers: lists((_, manifests: readonly ManifestInVersion[], artifactType: string | null) =>
      readReferrersOf(em, visibility, manifests, artifactType),
    ),
    documents: byId(readDocuments),
    children: below(readChildren),
    descriptors: below(readDescriptors),
    childCounts: below(countChildren),
    manifestBlobs: seenById(readManifestBlobs),
    totalSizes: below(readTotalSizes),
    tokens: byId(async (_, ids) => (administered.all ? readAccessTokens(em, ids) : ids.map(() => undefined))),
    mirrorRules: named(MirrorRule),
    ruleRepositoryCounts: byId(countRuleRepositories),
    lastRuleRuns: byId(readLastRuns),
    ruleOutcomePages: lists(readRuleOutcomePages),
    ruleOutcomeCounts: byId(countRuleOutcomes),
    vanished: byId(readVanished),
    grants: byId((_, ids) => readAccessGrants(em, administered, ids)),
  };
}

async function readGrouped<Parent, Arguments, Value>(
  em: Em,
  keys: readonly Below<Parent, Arguments>[],
  read: (em: Em, parents: readonly Parent[], page: Arguments) => Promise<readonly Value[]>,
): Promise<(Value | Error)[]> {
  const groups = new Map<string, { page: Arguments; places: number[] }>();
  for (const [place, { page }] of keys.entries()) {
    const name = JSON.stringify(page);
    const group = groups.get(name) ?? { page, places: [] };
    group.places.push(place);
    groups.set(name, group);
  }
  const values = Array.from({ length: keys.length }, (): Value | Error => new Error('a list was not read'));
  for (const { page, places } of groups.values()) {
    const parents = places.flatMap((place) => keys[place]?.parent ?? []) as Parent[];
    const read1 = await read(em, parents, page);
    for (const [index, place] of places.entries()) {
      const value = read1[index];
      if (value !== undefined) values[place] = value;
    }
  }
  return values;
}

/** The rows of a page by their ids. Rows that were deleted since are omitted. */
export async function loadPage<Row extends { readonly id: number }, Value>(
  page: Page<Row>,
  loader: DataLoader<number, Value | undefined>,
): Promise<Page<{ readonly id: number; readonly value: Value }>> {
  const values = await loader.loadMany(page.rows.map((row) => row.id));
  const rows = page.rows.flatMap((row, index) => {
    const value = values[index];
    if (value instanceof Error) throw value;
    return value === undefined ? [] : [{ id: row.id, value }];
  });
  return { rows, hasNext: page.hasNext };
}
