import { sql } from 'kysely';
import { TidemarkError } from '../oci/error.ts';
import type { Em } from './open-database.ts';
import { publishVersion, refreshStatistics } from './publish-version.ts';
import type { Draft, Published } from './publish-version.ts';
import { mayReuse } from './reuse.ts';
import type { Reuse } from './reuse.ts';
import { kysely } from './sql.ts';
import { readPresentTags } from './stage-tags.ts';
import { setTags, settleRoots } from './write-roots.ts';

/** What a client asked for and an upstream had; its manifests are stored. */
export interface PulledContent {
  readonly repositoryId: number;
  readonly remoteId: number;
  readonly manifestId: number;
  readonly reuse: Reuse;
  /** A tag, or the manifest's own digest. */
  readonly reference: { readonly tag: string } | { readonly digest: string };
}

/**
 * Keeps what was pulled through as a new version: under its tag, or untagged. Its blobs can be had from the remote from then on. The repository's
 * row is held, so that of two pulls of one image the second finds it there, and makes no version.
 */
export async function keepPulled(em: Em, pulled: PulledContent): Promise<Published> {
  const published = await em.transactional(async (transaction) => {
    const draft = await lockLatest(transaction, pulled.repositoryId);
    await recordSources(transaction, pulled);
    await writeReference(transaction, draft, pulled);
    return publishVersion(transaction, draft);
  });
  await refreshStatistics(em, published.changes);
  return published;
}

/** Whether it is there and stored by now: another pull may have ended between the caller's look and its turn. */
export async function hasReference(
  em: Em,
  { repositoryId, reference }: Pick<PulledContent, 'repositoryId' | 'reference'>,
): Promise<boolean> {
  if ('tag' in reference) return (await readPresentTags(em, repositoryId, [reference.tag])).size > 0;
  const found = await sql`
    select from membership p join manifest m on m.id = p.content_id
    where p.repository_id = ${repositoryId} and p.removed_in is null and p.kind = 'manifest'
      and m.digest = ${reference.digest} and m.raw is not null`.execute(kysely(em));
  return found.rows.length > 0;
}

async function lockLatest(em: Em, repositoryId: number): Promise<Draft> {
  const found = await sql<{ latest: number }>`
    select latest from repository where id = ${repositoryId} for update`.execute(kysely(em));
  const row = found.rows[0];
  if (row === undefined)
    throw new TidemarkError('NAME_UNKNOWN', 'The repository was deleted meanwhile.', { origin: 'caller' });
  return { repositoryId, latest: row.latest, number: row.latest + 1, taskId: null };
}

/** The repository holds what it held, or what its reuse allows; the other layers it has by name. */
async function recordSources(em: Em, { remoteId, manifestId, reuse }: PulledContent): Promise<void> {
  await sql`
    insert into repository_source as kept (repository_id, blob_id, remote_id, is_held)
    with recursive reach(id) as (
      select ${manifestId}::bigint
      union
      select edge.child_id from reach join manifest_manifest edge on edge.parent_id = reach.id
    )
    select ${reuse.repositoryId}, named.blob_id, ${remoteId}::bigint, ${mayReuse('blob', sql`named.blob_id`, reuse)}
    from (select distinct edge.blob_id
      from reach join manifest_blob edge on edge.manifest_id = reach.id) as named
    order by named.blob_id
    on conflict (repository_id, blob_id, remote_id) do update set is_held = true
    where excluded.is_held and not kept.is_held`.execute(kysely(em));
}

/** A tag that has come meanwhile, by a sync or another pull, stays as it is. */
async function writeReference(em: Em, draft: Draft, { reference, manifestId }: PulledContent): Promise<void> {
  const { repositoryId, number } = draft;
  if ('tag' in reference) {
    await setTags(
      em,
      draft,
      sql`select ${reference.tag}::text collate "C" as name, ${manifestId}::bigint as manifest_id
        where not exists (select from tag_membership p
          where p.repository_id = ${repositoryId} and p.name = ${reference.tag} and p.removed_in is null)`,
    );
    await settleRoots(em, draft);
  } else
    await sql`
      insert into root_membership (repository_id, manifest_id, name, added_in)
      select ${repositoryId}, ${manifestId}::bigint, ${reference.digest}, ${number}
      where not exists (select from membership p where p.repository_id = ${repositoryId} and p.kind = 'manifest'
        and p.content_id = ${manifestId} and p.removed_in is null)`.execute(kysely(em));
}
