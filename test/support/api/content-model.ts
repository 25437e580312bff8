import { expect } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import type { ApiUnderTest } from './api-server.ts';
import type { HeldContent, SampleContent } from './sample-repository.ts';

type Key = readonly [repositoryId: number, number: number];

export const diffQuery = `query ($from: ID!, $to: ID!, $after: String, $change: TagChange) { versionDiff(from: $from, to: $to) {
  tagsAdded tagsMoved tagsRemoved manifestsAdded manifestsRemoved blobsAdded blobsRemoved bytesAdded bytesRemoved
  tags(first: 2, after: $after, change: $change) { totalCount nodes { name change oldDigest newDigest } pageInfo { hasNextPage endCursor } } } }`;

function missing(one: readonly string[], other: readonly string[]): string[] {
  return one.filter((digest) => !other.includes(digest));
}

/** A plain model of versions, and what the API says of them. */
export function contentModel(
  given: () => {
    readonly api: ApiUnderTest;
    readonly samples: SampleContent[];
    readonly sizes: Map<string, number>;
  },
) {
  /** The whole diff, its tags read page by page. */
  async function diff(from: Key, to: Key, change: string | null = null) {
    const tags: { name: string; change: string; oldDigest: string | null; newDigest: string | null }[] = [];
    let after: string | null = null;
    for (;;) {
      const { data, errors } = await given().api.graphql(diffQuery, {
        from: toGlobalId('RepositoryVersion', ...from),
        to: toGlobalId('RepositoryVersion', ...to),
        after,
        change,
      });
      expect(errors).toBeUndefined();
      const { tags: page, ...counts } = data.versionDiff;
      tags.push(...page.nodes);
      if (!page.pageInfo.hasNextPage) return { ...counts, totalCount: page.totalCount, tags };
      after = page.pageInfo.endCursor;
    }
  }

  function bytes(digests: readonly string[]): number {
    return digests.reduce((sum, digest) => sum + (given().sizes.get(digest) ?? Number.NaN), 0);
  }

  /** The same, from two whole contents. */
  function compare(from: HeldContent, to: HeldContent) {
    const names = [...new Set([...Object.keys(from.tags), ...Object.keys(to.tags)])].sort();
    const tags = names.flatMap((name) => {
      const [oldDigest = null, newDigest = null] = [from.tags[name], to.tags[name]];
      if (oldDigest === newDigest) return [];
      const change = oldDigest === null ? 'ADDED' : newDigest === null ? 'REMOVED' : 'MOVED';
      return [{ name, change, oldDigest, newDigest }];
    });
    const added = {
      manifests: missing(to.manifests, from.manifests),
      blobs: missing(to.blobs, from.blobs),
    };
    const removed = {
      manifests: missing(from.manifests, to.manifests),
      blobs: missing(from.blobs, to.blobs),
    };
    const count = (change: string) => tags.filter((tag) => tag.change === change).length;
    return {
      tagsAdded: count('ADDED'),
      tagsMoved: count('MOVED'),
      tagsRemoved: count('REMOVED'),
      manifestsAdded: added.manifests.length,
      manifestsRemoved: removed.manifests.length,
      blobsAdded: added.blobs.length,
      blobsRemoved: removed.blobs.length,
      bytesAdded: bytes([...added.manifests, ...added.blobs]),
      bytesRemoved: bytes([...removed.manifests, ...removed.blobs]),
      totalCount: tags.length,
      tags,
    };
  }

  async function readSizes(): Promise<Map<string, number>> {
    const rows = await given().api.sql(
      'select digest, size_bytes as size from manifest union all select digest, size_bytes from blob',
    );
    return new Map(rows.map((row) => [String(row['digest']), Number(row['size'])]));
  }

  return { diff, bytes, compare, readSizes };
}
