import type DataLoader from 'dataloader';
import { visibilityOf } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import { readAccessGrants, readAccessTokens } from '../../db/access/access-tokens.ts';
import { countChildren, readDescriptors } from '../../db/reads/read-absences.ts';
import { readBlobs, readContentPages } from '../../db/reads/read-content.ts';
import { readPoliciesInForce } from '../../db/distributions/distributions.ts';
import { readServedAt } from '../../db/access/pointers.ts';
import { countMoves, readDistributions, readMovePages } from '../../db/reads/read-distributions.ts';
import { readFreshness } from '../../db/reads/figures/read-freshness.ts';
import {
  readChildren,
  readDocuments,
  readManifestBlobs,
  readManifests,
  readTotalSizes,
} from '../../db/reads/read-manifests.ts';
import type { Page } from '../../db/reads/read-page.ts';
import { readPlans, readTagOutcomeCounts, readTaskTagPages } from '../../db/reads/read-plans.ts';
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
import { readCachedBytes } from '../../db/content/cached-blobs.ts';
import { countProxyRepositories, readMakers } from '../../db/proxies/proxies.ts';
import { RegistryProxy } from '../../db/schema/proxies.ts';
import { MirrorRule } from '../../db/schema/rules.ts';
import { SignaturePolicy } from '../../db/schema/signatures.ts';
import { Webhook } from '../../db/schema/webhooks/webhooks.ts';
import { countDeliveries, readDeliveries, readDeliveryPages } from '../../db/webhooks/read-deliveries.ts';
import { readTaskCounts } from '../../db/tasks/tasks.ts';
import { readWarnings } from '../../db/tasks/task-warnings.ts';
import { readTaskUpstreams } from '../../db/upstreams/task-upstreams.ts';
import type { Visibility } from '../../db/access/visibility.ts';
import { createBatches } from './batches.ts';
import type { Batches } from './batches.ts';

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
  const batches = createBatches(em, visibility);
  const { byId } = batches;
  return {
    visibility,
    administered,
    ...repositoryLoaders(batches),
    ...distributionLoaders(batches),
    ...versionLoaders(batches, visibility),
    ...contentLoaders(batches, visibility),
    ...taskLoaders(batches),
    ...scheduleLoaders(batches),
    ...ruleLoaders(batches),
    ...webhookLoaders(batches),
    servedAt: byId((_, ids) => readServedAt(em, { visibility, maintained, isShared }, ids)),
    tokens: byId(async (_, ids) => (administered.all ? readAccessTokens(em, ids) : ids.map(() => undefined))),
    grants: byId((_, ids) => readAccessGrants(em, administered, ids)),
  };
}

function distributionLoaders({ byId, seenById, named, lists }: Batches) {
  return {
    distributions: seenById(readDistributions),
    signaturePolicies: named(SignaturePolicy),
    policiesInForce: byId(readPoliciesInForce),
    movePages: lists(readMovePages),
    moveCounts: byId(countMoves),
  };
}

function repositoryLoaders({ byId, byKey, named, lists }: Batches) {
  return {
    repositories: named(Repository),
    remotes: named(Remote),
    credentials: named(Credential),
    waitingPages: lists(readWaitingPages),
    waitingCounts: byKey(countWaitingTags, ({ repositoryId, seconds }) => [repositoryId, seconds ?? 0]),
    tagReleasePages: lists(readTagReleasePages),
    tagReleaseCounts: byId(countTagReleases),
    repositoryTaskPages: lists(readRepositoryTaskPages),
    repositoryTaskCounts: byId(countRepositoryTasks),
    freshness: byId(readFreshness),
  };
}

function taskLoaders({ byId, seenById, lists }: Batches) {
  return {
    tasks: seenById(readTasks),
    taskCounts: byId(async (em, ids) => {
      const counts = await readTaskCounts(em, ids);
      return ids.map((id) => counts.get(id));
    }),
    taskWarnings: byId(readWarnings),
    taskUpstreams: byId(readTaskUpstreams),
    plans: byId(readPlans),
    taskTags: lists(readTaskTagPages),
    tagOutcomeCounts: byId(readTagOutcomeCounts),
  };
}

function scheduleLoaders({ byId, seenById, lists }: Batches) {
  return {
    scheduleStates: byId(readScheduleStates),
    schedules: seenById(readSchedules),
    repositorySchedulePages: lists(readRepositorySchedulePages),
    repositoryScheduleCounts: byId(countRepositorySchedules),
    scheduleRunPages: lists(readScheduleRunPages),
    scheduleRunCounts: byId(countScheduleRuns),
  };
}

function versionLoaders({ byId, byValue, byKey, lists }: Batches, visibility: Visibility) {
  return {
    versions: byValue((em, keys: readonly VersionKey[]) => readVersions(em, visibility, keys)),
    versionPages: lists(readVersionPages),
    versionCounts: byId(countVersions),
    versionTags: byValue(readVersionTags),
    tagPages: lists(readTagPages),
    tagCounts: lists(countTags),
    tagVerifications: byKey(readTagVerifications, ({ repositoryId, addedIn, name }) => [
      repositoryId,
      addedIn,
      name,
    ]),
    contentPages: lists(readContentPages),
  };
}

function contentLoaders({ byId, seenById, byValue, byKey, below, lists }: Batches, visibility: Visibility) {
  return {
    manifests: seenById(readManifests),
    blobs: seenById(readBlobs),
    signatures: seenById(readSignatures),
    signatureVerifications: byKey(readSignatureVerifications, ({ id, repositoryId }) => [id, repositoryId]),
    manifestSignatures: byValue((em, manifests: readonly ManifestInVersion[]) =>
      readSignaturesOf(em, visibility, manifests),
    ),
    manifestReferrers: lists((em, manifests: readonly ManifestInVersion[], artifactType: string | null) =>
      readReferrersOf(em, visibility, manifests, artifactType),
    ),
    documents: byId(readDocuments),
    children: below(readChildren),
    descriptors: below(readDescriptors),
    childCounts: below(countChildren),
    manifestBlobs: seenById(readManifestBlobs),
    totalSizes: below(readTotalSizes),
  };
}

function ruleLoaders({ byId, named, lists }: Batches) {
  return {
    mirrorRules: named(MirrorRule),
    ruleRepositoryCounts: byId(countRuleRepositories),
    lastRuleRuns: byId(readLastRuns),
    ruleOutcomePages: lists(readRuleOutcomePages),
    ruleOutcomeCounts: byId(countRuleOutcomes),
    vanished: byId(readVanished),
    proxies: named(RegistryProxy),
    proxyRepositoryCounts: byId(countProxyRepositories),
    proxyCachedBytes: byId(readCachedBytes),
    repositoryProxies: byId(readMakers),
  };
}

function webhookLoaders({ byId, seenById, named, lists }: Batches) {
  return {
    webhooks: named(Webhook),
    webhookDeliveries: seenById(readDeliveries),
    deliveryPages: lists(readDeliveryPages),
    deliveryCounts: byId(countDeliveries),
  };
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
