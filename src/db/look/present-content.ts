import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

export interface LookedAtTag {
  readonly name: string;
  readonly manifestId: number;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly isTyped: boolean;
}

/** The latest version of a repository, as far as a sync would compare it with the upstream. */
export interface PresentContent {
  readonly tags: readonly LookedAtTag[];
  /** Stored manifests, by id. */
  readonly digests: ReadonlyMap<number, Digest>;
  /** The entries of indexes that the version has: parent to children. */
  readonly children: ReadonlyMap<number, readonly number[]>;
  /** Untagged manifests by root name: `@sha256:…` for the referrers of a manifest. */
  readonly roots: ReadonlyMap<string, readonly { readonly id: number; readonly digest: Digest }[]>;
  /** Stored blobs. */
  readonly blobs: readonly { readonly digest: Digest; readonly sizeBytes: number }[];
}

type Pair<A, B> = readonly [A, B];

interface ContentRow {
  readonly tags: readonly (readonly [string, number, Digest, string, boolean])[] | null;
  readonly manifests: readonly Pair<number, Digest>[] | null;
  readonly edges: readonly Pair<number, number>[] | null;
  readonly roots: readonly (readonly [string, number, Digest])[] | null;
  readonly blobs: readonly Pair<Digest, number>[] | null;
}

/** In the order of the ids, in one statement. */
export async function readPresentContent(
  em: Em,
  repositoryIds: readonly number[],
): Promise<PresentContent[]> {
  const found = await sql<ContentRow>`
    select
      (select json_agg(json_build_array(t.name, m.id, m.digest, m.media_type, m.is_typed)) from tag_membership t
        join manifest m on m.id = t.manifest_id where t.repository_id = p.id and t.removed_in is null) as tags,
      (select json_agg(json_build_array(m.id, m.digest)) from membership held join manifest m on m.id = held.content_id
        where held.repository_id = p.id and held.kind = 'manifest' and held.removed_in is null) as manifests,
      (select json_agg(json_build_array(e.parent_id, e.child_id)) from membership held
        join manifest_manifest e on e.parent_id = held.content_id join membership child on child.repository_id = p.id
          and child.kind = 'manifest' and child.content_id = e.child_id and child.removed_in is null
        where held.repository_id = p.id and held.kind = 'manifest' and held.removed_in is null) as edges,
      (select json_agg(json_build_array(root.name, m.id, m.digest)) from root_membership root
        join manifest m on m.id = root.manifest_id where root.repository_id = p.id and root.removed_in is null) as roots,
      (select json_agg(json_build_array(b.digest, b.size_bytes)) from membership held join blob b on b.id = held.content_id
        where held.repository_id = p.id and held.kind = 'blob' and held.removed_in is null and b.stored_at is not null) as blobs
    from unnest(${repositoryIds}::bigint[]) with ordinality as p(id, n) order by p.n`.execute(kysely(em));
  return found.rows.map(toContent);
}

function toContent({ tags, manifests, edges, roots, blobs }: ContentRow): PresentContent {
  return {
    tags: (tags ?? []).map(([name, manifestId, digest, mediaType, isTyped]) => ({
      name,
      manifestId,
      digest,
      mediaType,
      isTyped,
    })),
    digests: new Map(manifests ?? []),
    children: groupPairs(edges ?? []),
    roots: groupPairs((roots ?? []).map(([name, id, digest]) => [name, { id, digest }])),
    blobs: (blobs ?? []).map(([digest, sizeBytes]) => ({ digest, sizeBytes })),
  };
}

function groupPairs<Key, Value>(pairs: readonly Pair<Key, Value>[]): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const [key, value] of pairs) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
