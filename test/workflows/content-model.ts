/** The rules of contract.graphql ("What a version contains"), computed anew in plain JavaScript for each version. */
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { parseManifest } from '../../src/oci/manifest/manifest-parse.ts';
import { isForeignLayerType } from '../../src/oci/manifest/media-type.ts';

/** One version: what its roots are, and what follows from them. */
export interface ModelVersion {
  readonly tags: ReadonlyMap<string, Digest>;
  /** Untagged roots, as `<name> <digest>`: the tag that a manifest had, or its own digest where it was asked for by digest. */
  readonly roots: ReadonlySet<string>;
}

export interface ModelSync {
  readonly mirror: boolean;
  /** Whether a tag lies in the filtered subset. */
  readonly selects: (tag: string) => boolean;
  /** Digests that includeTags names. */
  readonly digests: readonly Digest[];
  /** Whether includeTags is empty. */
  readonly includesAll: boolean;
}

export const emptyVersion: ModelVersion = { tags: new Map(), roots: new Set() };

/** What a sync makes of the version before. */
export function syncModel(before: ModelVersion, upstream: SampleRepository, sync: ModelSync): ModelVersion {
  const tags = new Map(before.tags);
  const roots = new Set(before.roots);
  const wanted = new Map([...upstream.tags].filter(([tag]) => sync.selects(tag)));
  const digests = sync.digests.filter((digest) => upstream.manifests.has(digest));
  if (sync.mirror) {
    for (const tag of before.tags.keys()) if (sync.selects(tag) && !wanted.has(tag)) tags.delete(tag);
    for (const root of before.roots) if (isInSubset(root, sync)) roots.delete(root);
  }
  for (const [tag, digest] of wanted) {
    const old = before.tags.get(tag);
    if (!sync.mirror && old !== undefined && old !== digest) roots.add(`${tag} ${old}`);
    tags.set(tag, digest);
  }
  for (const digest of digests) roots.add(`${digest} ${digest}`);
  return { tags, roots };
}

function isInSubset(root: string, sync: ModelSync): boolean {
  const [name = ''] = root.split(' ');
  return name.includes(':') ? sync.includesAll || sync.digests.includes(name as Digest) : sync.selects(name);
}

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1);

export interface ModelContent {
  readonly tags: Record<string, string>;
  readonly manifests: readonly string[];
  readonly blobs: readonly string[];
}

/** Everything below the roots. `library` has every manifest that was ever at the upstream. */
export function contentOf(version: ModelVersion, library: SampleRepository): ModelContent {
  const manifests = new Set<string>();
  const blobs = new Set<string>();
  const queue = [...version.tags.values(), ...[...version.roots].map((root) => root.split(' ')[1] as Digest)];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (manifests.has(next)) continue;
    manifests.add(next);
    const document = library.manifests.get(next);
    if (document === undefined) throw new Error(`the model does not know ${next}`);
    const parsed = parseManifest(document.bytes, document.mediaType);
    queue.push(...parsed.manifests.map(({ digest }) => digest));
    for (const blob of [...(parsed.config === undefined ? [] : [parsed.config]), ...parsed.layers])
      if (!isForeignLayerType(blob.mediaType)) blobs.add(blob.digest);
  }
  return {
    tags: Object.fromEntries([...version.tags].sort(byName)),
    manifests: [...manifests].sort((a, b) => (a < b ? -1 : 1)),
    blobs: [...blobs].sort((a, b) => (a < b ? -1 : 1)),
  };
}

const missingFrom = (one: readonly string[], other: readonly string[]) => {
  const there = new Set(other);
  return one.filter((entry) => !there.has(entry)).length;
};

/** What the model expects of `contentSummary`. A moved tag counts once in added and once in removed. */
export function countsOf(before: ModelContent, after: ModelContent) {
  const tagRows = ({ tags }: ModelContent) =>
    Object.entries(tags).map(([name, digest]) => `${name} ${digest}`);
  const difference = (from: ModelContent, to: ModelContent) => ({
    tags: missingFrom(tagRows(to), tagRows(from)),
    manifests: missingFrom(to.manifests, from.manifests),
    blobs: missingFrom(to.blobs, from.blobs),
    signatures: 0,
  });
  return {
    present: {
      tags: tagRows(after).length,
      manifests: after.manifests.length,
      blobs: after.blobs.length,
      signatures: 0,
    },
    added: difference(before, after),
    removed: difference(after, before),
  };
}
