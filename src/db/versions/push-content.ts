import { sql } from 'kysely';
import type { Descriptor } from '../../oci/manifest/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import { indexEntries } from '../../oci/manifest/manifest-parse.ts';
import { isKeptNow } from '../content/absences.ts';
import { meaningRows } from '../content/meaning.ts';
import { isHeld } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { makeVersion } from './publish-version.ts';
import type { Draft, Published } from './draft.ts';
import { lockPushTarget } from './push-target.ts';
import type { PushCaller } from './push-target.ts';
import { kysely } from '../sql.ts';
import { listedType, storeManifests } from '../content/store-manifests.ts';
import type { ManifestToStore } from '../content/meaning.ts';
import { blobsOf, isForeign } from '../content/write-edges.ts';
import { endRoots, endTags, insertRoots, keepUntagged, setTags } from './write-roots.ts';

export type ContentChange =
  | {
      readonly kind: 'put';
      readonly manifest: ManifestToStore;
      readonly tags: readonly string[];
      /** Whether it was pushed by digest: it stays without a tag. */
      readonly byDigest: boolean;
    }
  | { readonly kind: 'deleteTag'; readonly tag: string }
  | { readonly kind: 'deleteManifest'; readonly digest: Digest };

/**
 * Applies a change of a `/v2/` client and publishes it, unless nothing changes.
 * @throws TidemarkError `NAME_UNKNOWN`, `DENIED`, `MANIFEST_UNKNOWN`, `MANIFEST_BLOB_UNKNOWN`, `MANIFEST_INVALID`,
 * `UNSUPPORTED`.
 */
export async function pushContent(
  em: Em,
  { basePath, caller }: { readonly basePath: string; readonly caller: PushCaller },
  change: ContentChange,
): Promise<Published> {
  return makeVersion<Draft>(em, {
    lock: async (transaction) => {
      const { repositoryId, latest } = await lockPushTarget(transaction, basePath, caller);
      return { repositoryId, latest, number: latest + 1, taskId: null };
    },
    write: (transaction, draft) => write(transaction, draft, { ...change, basePath }),
    finish: forgetReferenced,
  });
}

type NamedChange = ContentChange & { readonly basePath: string };

function write(em: Em, draft: Draft, change: NamedChange): Promise<void> {
  switch (change.kind) {
    case 'put':
      return putManifest(em, draft, change);
    case 'deleteTag':
      return deleteTag(em, draft, change);
    case 'deleteManifest':
      return deleteManifest(em, draft, change);
  }
}

async function putManifest(
  em: Em,
  draft: Draft,
  { manifest, tags, byDigest }: NamedChange & { readonly kind: 'put' },
): Promise<void> {
  await assertBlobs(em, draft, manifest);
  await assertChildren(em, draft, manifest);
  const { digest } = manifest.document;
  const id = (await storeManifests(em, [manifest])).idOf(manifest);
  await setTags(
    em,
    draft,
    sql`select distinct name collate "C" as name, ${id}::bigint as manifest_id from unnest(${[...tags]}::text[]) as name`,
  );
  await keepUntagged(em, draft);
  if (byDigest)
    await insertRoots(em, draft, sql`select ${id}::bigint as manifest_id, ${digest}::text as name`);
}

async function deleteTag(
  em: Em,
  draft: Draft,
  { tag, basePath }: NamedChange & { readonly kind: 'deleteTag' },
): Promise<void> {
  const gone = await sql`
    update tag_membership set removed_in = ${draft.number}
    where repository_id = ${draft.repositoryId} and removed_in is null and name = ${tag}`.execute(kysely(em));
  if (gone.numAffectedRows !== 1n) throw unknown(basePath, `the tag ${quoteValue(tag)}`);
  await keepUntagged(em, draft);
}

async function deleteManifest(
  em: Em,
  draft: Draft,
  { digest, basePath }: NamedChange & { readonly kind: 'deleteManifest' },
): Promise<void> {
  const { repositoryId } = draft;
  const found = await sql<{ id: number; parent: string | null }>`
    select m.id, (
      select parent.digest from manifest_manifest edge join manifest parent on parent.id = edge.parent_id
        join membership held on held.repository_id = ${repositoryId} and held.kind = 'manifest'
          and held.content_id = edge.parent_id and held.removed_in is null
      where edge.child_id = m.id and ${isKeptNow(repositoryId)} limit 1) as parent
    from manifest m join membership t on t.repository_id = ${repositoryId} and t.kind = 'manifest' and t.content_id = m.id
      and t.removed_in is null
    where m.digest = ${digest}`.execute(kysely(em));
  if (found.rows.length === 0) throw unknown(basePath, `the manifest ${digest}`);
  const parent = found.rows.find((row) => row.parent !== null)?.parent;
  if (parent !== undefined)
    throw refuse(
      'UNSUPPORTED',
      `The manifest ${digest} is listed by the index ${parent}, which would be incomplete without it. Delete the index first.`,
    );
  const ids = found.rows.map((row) => row.id);
  await endTags(em, draft, sql`t.manifest_id = any(${ids}::bigint[])`);
  await endRoots(em, draft, sql`r.manifest_id = any(${ids}::bigint[])`);
}

interface Lack {
  readonly digest: Digest;
  readonly isHeld: boolean;
  readonly claimedBytes: number;
  readonly knownBytes: number | null;
}

/** Only blobs of this repository count, stored or with a source, not those of the whole store (fault 75). */
async function assertBlobs(em: Em, { repositoryId }: Draft, { parsed }: ManifestToStore): Promise<void> {
  const blobs = blobsOf(parsed)
    .map((edge) => edge.descriptor)
    .filter((blob) => !isForeign(blob));
  const found = await sql<Lack>`
    select v.digest, v.size as "claimedBytes", coalesce(case when s.is_held then b.size_bytes end, (
        select e.size_bytes from manifest_blob e join membership m on m.repository_id = ${repositoryId} and m.kind = 'manifest'
          and m.content_id = e.manifest_id and m.removed_in is null
        where e.blob_id = b.id and not e.is_foreign limit 1)) as "knownBytes",
      exists (select from membership m where m.repository_id = ${repositoryId} and m.kind = 'blob' and m.content_id = b.id
        and m.removed_in is null)
      or exists (select from repository_blob rb where rb.repository_id = ${repositoryId} and rb.blob_id = b.id) as "isHeld"
    from (select distinct * from unnest(${digestsOf(blobs)}::text[], ${blobs.map((blob) => blob.size)}::bigint[])) as v(digest, size)
    left join blob b on b.digest = v.digest
      and (b.stored_at is not null or exists (select from repository_source s
        where s.repository_id = ${repositoryId} and s.blob_id = b.id))
    left join lateral (select ${isHeld(sql`${repositoryId}::bigint`, sql`b.id`)} as is_held) as s on true
    order by v.digest`.execute(kysely(em));
  refuseMissing(
    'blobs',
    found.rows.filter((row) => !row.isHeld),
  );
  const wrong = found.rows.find((row) => row.knownBytes !== row.claimedBytes);
  if (wrong !== undefined)
    throw refuse(
      'MANIFEST_INVALID',
      `The manifest says that ${wrong.digest} has ${wrong.claimedBytes} bytes; it has ${wrong.knownBytes}.`,
    );
}

/** Children have the types of their descriptors, or their own types. Those that the repository's own copy of the index lacks may stay absent. */
async function assertChildren(em: Em, { repositoryId }: Draft, manifest: ManifestToStore): Promise<void> {
  const { parsed } = manifest;
  const { manifests } = indexEntries(parsed);
  if (manifests.length === 0) return;
  const children = manifests.map((child) => ({ digest: child.digest, mediaType: listedType(child) }));
  const found = await sql<{ digest: Digest; mediaType: string; heldAs: string | null }>`
    select distinct v.digest, v.media_type as "mediaType", other.media_type as "heldAs"
    from ${meaningRows(children)} left join lateral (
      select m.media_type, m.is_typed or m.media_type = v.media_type as is_meant
      from manifest m join membership t on t.repository_id = ${repositoryId} and t.kind = 'manifest' and t.content_id = m.id
        and t.removed_in is null
      where m.digest = v.digest and m.raw is not null order by is_meant desc limit 1) as other on true
    where other.is_meant is not true and not exists (
      select from manifest parent join absent_child a on a.repository_id = ${repositoryId} and a.parent_id = parent.id and a.removed_in is null
        join manifest_manifest edge on edge.parent_id = a.parent_id and edge.position = a.position
        join manifest child on child.id = edge.child_id
      where parent.digest = ${manifest.document.digest} and parent.media_type = ${parsed.mediaType} and child.digest = v.digest)
    order by v.digest`.execute(kysely(em));
  refuseMissing(
    'manifests',
    found.rows.filter((row) => row.heldAs === null),
  );
  const other = found.rows[0];
  if (other !== undefined)
    throw refuse(
      'MANIFEST_BLOB_UNKNOWN',
      `The index lists ${other.digest} as ${quoteValue(other.mediaType)}; this repository has it as ${quoteValue(other.heldAs)}. ` +
        'Push it with the media type of the index first.',
    );
}

const maxNamed = 10;

function refuseMissing(what: string, missing: readonly { readonly digest: Digest }[]): void {
  if (missing.length === 0) return;
  const named = missing.slice(0, maxNamed).map((row) => row.digest);
  const more = missing.length > maxNamed ? `, and ${missing.length - maxNamed} more` : '';
  throw refuse(
    'MANIFEST_BLOB_UNKNOWN',
    `The manifest refers to ${what} that this repository does not have: ${named.join(', ')}${more}. Push those first.`,
  );
}

/** Removes uploads that a manifest refers to now. */
async function forgetReferenced(em: Em, { repositoryId, number }: Draft): Promise<void> {
  await sql`
    delete from repository_blob rb using membership m
    where rb.repository_id = ${repositoryId} and m.repository_id = rb.repository_id and m.kind = 'blob'
      and m.content_id = rb.blob_id and m.added_in = ${number}`.execute(kysely(em));
}

function digestsOf(descriptors: readonly Descriptor[]): Digest[] {
  return descriptors.map((descriptor) => descriptor.digest);
}

function unknown(basePath: string, what: string): TidemarkError {
  return refuse('MANIFEST_UNKNOWN', `The repository ${quoteValue(basePath)} does not have ${what}.`);
}

function refuse(code: string, message: string): TidemarkError {
  return new TidemarkError(code, message, { origin: 'caller' });
}
