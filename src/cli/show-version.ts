import { countOf, formatCount } from '../oci/count-of.ts';
import { formatBytes, formatDuration, formatTable, shortDigest } from './progress/format.ts';
import type { ContentCounts, PlannedTag, SyncPlan, Task, Version } from './progress/task-queries.ts';

const kinds = ['tags', 'manifests', 'blobs', 'signatures'] as const;

/** The content summary of a version as a table. */
export function describeVersion(name: string, { number, contentSummary }: Version): string[] {
  const cells = (title: string, counts: ContentCounts, sign: string): string[] => [
    title,
    ...kinds.map((kind) => (counts[kind] > 0 ? `${sign}${formatCount(counts[kind])}` : '0')),
  ];
  const rows = [
    ['', ...kinds],
    cells('present', contentSummary.present, ''),
    cells('added', contentSummary.added, '+'),
    cells('removed', contentSummary.removed, '-'),
  ];
  return [`${name} version ${number}`, ...formatTable(rows, [1, 2, 3, 4]).map((line) => `  ${line}`)];
}

/** How long a task took and what it moved. */
export function describeEffort({ createdAt, finishedAt, progress, rateLimited }: Task): string {
  const elapsedMs = finishedAt === null ? 0 : Date.parse(finishedAt) - Date.parse(createdAt);
  const fetched = Math.max(0, progress.bytesDone - progress.bytesReused);
  const parts = [`${formatBytes(fetched)} fetched in ${formatDuration(elapsedMs)}`];
  if (progress.blobsReused > 0)
    parts.push(
      `${countOf(progress.blobsReused, 'blob')} (${formatBytes(progress.bytesReused)}) were there already`,
    );
  if (rateLimited > 0) parts.push(`the upstream asked to slow down ${countOf(rateLimited, 'time')}`);
  return parts.join('; ');
}

/** Who delivered what, a line for each upstream. Empty if the remote has no fallbacks. */
export function describeUpstreams({ upstreams }: Pick<Task, 'upstreams'>): string[] {
  return upstreams.map(({ url, upstreamName, isFallback, hasList, manifests, blobs, bytes }) => {
    const what = [
      ...(hasList ? ['the tags'] : []),
      countOf(manifests, 'manifest'),
      countOf(blobs, 'blob'),
      formatBytes(bytes),
    ];
    return `${url}/${upstreamName}${isFallback ? ' (fallback)' : ''}: ${what.join(', ')}`;
  });
}

/** What became of the tags that the filters leave out; undefined where there are none, or nothing was changed. */
export function describeOutside({
  tagsOutsideFilter,
  pruneFiltered,
  dryRun,
  state,
}: Pick<Task, 'tagsOutsideFilter' | 'pruneFiltered' | 'dryRun' | 'state'>): string | undefined {
  if (tagsOutsideFilter === null || tagsOutsideFilter === 0 || state !== 'COMPLETED') return undefined;
  const tags = `${countOf(tagsOutsideFilter, 'tag')} outside of the filter`;
  const were = tagsOutsideFilter === 1 ? 'was' : 'were';
  if (pruneFiltered) return `${tags} ${dryRun ? 'would be' : were} removed.`;
  return `${tags} ${dryRun ? 'would be' : were} kept; --prune-filtered removes ${tagsOutsideFilter === 1 ? 'it' : 'them'}.`;
}

/** What a dry run found. */
export function describePlan(name: string, plan: SyncPlan): string[] {
  const total = plan.tagsAdded + plan.tagsMoved + plan.tagsRemoved;
  if (total === 0 && plan.blobsToFetch === 0) return [`${name}: nothing would change.`];
  const more = total - plan.tags.nodes.length;
  return [
    `${name}: a sync would add ${countOf(plan.tagsAdded, 'tag')}, move ${plan.tagsMoved} and remove ${plan.tagsRemoved}, ` +
      `and fetch ${countOf(plan.blobsToFetch, 'blob')} of ${formatBytes(plan.bytesToFetch)}.`,
    ...describeTagChanges(plan.tags.nodes),
    ...(more > 0 ? [`  … and ${formatCount(more)} more`] : []),
  ];
}

/** A line for each tag: `+ 1.2  sha256:…`, `~ latest  sha256:… -> sha256:…`, `- 1.0  sha256:…`. */
export function describeTagChanges(tags: readonly PlannedTag[]): string[] {
  const signs = { ADDED: ['+', 'added'], MOVED: ['~', 'moved'], REMOVED: ['-', 'removed'] } as const;
  const rows = tags.map(({ name, change, oldDigest, newDigest }) => {
    const digests = [oldDigest, newDigest].filter((digest) => digest !== null).map(shortDigest);
    return [signs[change][0], name, signs[change][1], digests.join(' → ')];
  });
  return formatTable(rows).map((line) => `  ${line}`);
}
