import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import type { ContentCounts, VersionCounts } from '../schema/versions.ts';
import { addOptional, hasOptional, isOptionalNew } from './optional-blobs.ts';
import { endFollowers } from './end-followers.ts';
import { isHeld } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import { settleSignatures } from './settle-signatures.ts';
import { kysely } from '../sql.ts';

/** A version that is being made; the caller holds the repository's row. */
export interface Draft {
  readonly repositoryId: number;
  /** The version that is latest now; 0 for none. */
  readonly latest: number;
  /** The number that the rows of tags and untagged roots were written with: `latest + 1`. */
  readonly number: number;
  /** The task that makes it, if one does. */
  readonly taskId: number | null;
  /** Which tags `t` leave with the image that they belong to; default: every companion tag. */
  readonly followers?: RawBuilder<unknown>;
  /** The repository that its content is copied from: what that one has of optional blobs comes along. */
  readonly copiedFrom?: number;
}

export interface Published {
  /** Null when nothing had changed: no version was made. */
  readonly createdVersion: number | null;
  /** Rows that were written. */
  readonly changes: number;
}

/**
 * Completes a version whose tags and untagged roots have been written: brings in everything below the new ones, takes out what nothing
 * holds any more and what belonged to that, counts, and makes it the latest. In the transaction of the caller.
 * @throws TidemarkError `CONTENT_INCOMPLETE` when something below a tag is not stored, and no remote is known to have it.
 */
export async function publishVersion(em: Em, draft: Draft): Promise<Published> {
  const db = kysely(em);
  const written = await readWritten(em, draft);
  if (!written.isAdded && !written.isRemoved && !written.isSigned)
    return { createdVersion: null, changes: 0 };
  if (written.isAdded) {
    await addContent(em, draft);
    await addOptional(em, draft);
    await showManyRows(em, draft);
    await assertComplete(em, draft);
  }
  if (written.isRemoved) {
    do await removeManifests(em, draft);
    while (await endFollowers(em, draft));
    await removeBlobs(em, draft);
  }
  await settleSignatures(em, draft, written);
  const { counts, changes } = await countChanges(em, draft);
  if (changes === 0) return { createdVersion: null, changes };
  await sql`
    insert into repository_version (repository_id, number, task_id, counts)
    values (${draft.repositoryId}, ${draft.number}, ${draft.taskId}, ${JSON.stringify(counts)}::jsonb)`.execute(
    db,
  );
  await sql`
    update repository set latest = ${draft.number}, updated_at = now() where id = ${draft.repositoryId}`.execute(
    db,
  );
  return { createdVersion: draft.number, changes };
}

/** Which kinds of rows the caller has written: what cannot follow from them is not looked for. */
export interface Written {
  /** Tags or untagged roots came. */
  readonly isAdded: boolean;
  /** Tags or untagged roots went. */
  readonly isRemoved: boolean;
  /** Atomic signatures came or went. */
  readonly isSigned: boolean;
}

async function readWritten(em: Em, draft: Draft): Promise<Written> {
  const { repositoryId, number } = draft;
  const holds = (table: string, column: 'added_in' | 'removed_in') =>
    sql`exists (select from ${sql.table(table)} where repository_id = ${repositoryId} and ${sql.ref(column)} = ${number})`;
  const found = await sql<Written>`
    select ${holds('tag_membership', 'added_in')} or ${holds('root_membership', 'added_in')}
        or ${isOptionalNew(draft)} as "isAdded",
      ${holds('tag_membership', 'removed_in')} or ${holds('root_membership', 'removed_in')} as "isRemoved",
      ${holds('membership', 'added_in')} or ${holds('membership', 'removed_in')} as "isSigned"`.execute(
    kysely(em),
  );
  return found.rows[0] ?? { isAdded: true, isRemoved: true, isSigned: true };
}

const manyChanges = 1_000;

/** To be called after the transaction: stale statistics after a big commit made the next one run for minutes (docs/database.md). */
export async function refreshStatistics(em: Em, changes: number): Promise<void> {
  if (changes > manyChanges)
    await sql`analyze tag_membership, root_membership, membership, manifest, manifest_blob, manifest_manifest, blob, signature`.execute(
      kysely(em),
    );
}

/**
 * Many new rows are shown to the planner at once: it took the repository for empty, and looked through all of its tags for each manifest.
 * Where another commit is doing the same, it is left out, so that none waits here for another repository's.
 */
async function showManyRows(em: Em, { repositoryId, number }: Draft): Promise<void> {
  const db = kysely(em);
  const counted = await sql<{ rows: number }>`
    select (select count(*) from (
        select from tag_membership where repository_id = ${repositoryId} and added_in = ${number} limit ${manyChanges + 1}) as tags)
      + (select count(*) from (
        select from membership where repository_id = ${repositoryId} and added_in = ${number} limit ${manyChanges + 1}) as others)
      as rows`.execute(db);
  if ((counted.rows[0]?.rows ?? 0) > manyChanges)
    await sql`analyze (skip_locked) tag_membership, membership, manifest`.execute(db);
}

async function addContent(em: Em, draft: Draft): Promise<void> {
  const { repositoryId, number } = draft;
  const db = kysely(em);
  const isHad = hasOptional(draft, sql`edge.blob_id`);
  await sql`
    insert into membership (repository_id, kind, content_id, added_in)
    with recursive reach(id) as (
      (select manifest_id from tag_membership where repository_id = ${repositoryId} and added_in = ${number}
       union
       select manifest_id from root_membership where repository_id = ${repositoryId} and added_in = ${number})
      union
      select edge.child_id from reach join manifest_manifest edge on edge.parent_id = reach.id
    )
    select ${repositoryId}, 'manifest', reach.id, ${number}
    from reach
    where not exists (select from lateral (
      select from membership p where p.repository_id = ${repositoryId} and p.kind = 'manifest' and p.content_id = reach.id
        and p.removed_in is null offset 0) as present)
    order by reach.id`.execute(db);
  await sql`
    insert into membership (repository_id, kind, content_id, added_in)
    select ${repositoryId}, 'blob', fresh.blob_id, ${number}
    from (
      select distinct edge.blob_id
      from membership added join manifest_blob edge on edge.manifest_id = added.content_id
        and (not edge.is_foreign or ${isHad})
      where added.repository_id = ${repositoryId} and added.kind = 'manifest' and added.added_in = ${number}
    ) as fresh
    where not exists (select from lateral (
      select from membership p where p.repository_id = ${repositoryId} and p.kind = 'blob' and p.content_id = fresh.blob_id
        and p.removed_in is null offset 0) as present)
    order by fresh.blob_id`.execute(db);
}

/** The last guard of "never half-published": every manifest that this version adds is stored, and every blob, or a remote of the repository has it. */
async function assertComplete(em: Em, { repositoryId, number }: Draft): Promise<void> {
  const result = await sql<{ digest: string }>`
    select coalesce(manifest.digest, blob.digest) as digest
    from membership added
      left join manifest on added.kind = 'manifest' and manifest.id = added.content_id
      left join blob on added.kind = 'blob' and blob.id = added.content_id
    where added.repository_id = ${repositoryId} and added.added_in = ${number}
      and ((added.kind = 'manifest' and manifest.raw is null) or (added.kind = 'blob' and (blob.stored_at is null or (
          exists (select from repository_source where repository_id = ${repositoryId})
          and not ${isHeld(sql`added.repository_id`, sql`blob.id`)}))
        and not exists (select from repository_source s
          where s.repository_id = added.repository_id and s.blob_id = blob.id and s.remote_id is not null)))
    limit 1`.execute(kysely(em));
  const missing = result.rows[0];
  if (missing)
    throw new TidemarkError(
      'CONTENT_INCOMPLETE',
      `${missing.digest} is needed by this version and is not stored. Nothing was changed; sync again.`,
      { origin: 'server' },
    );
}

/**
 * From the manifests that lost a tag, downwards, level by level: a node leaves when no present parent, tag or other root holds it.
 * Candidates first, then who holds them: with the planner's figures of an empty table, the other order ran for minutes.
 */
async function removeManifests(em: Em, { repositoryId, number }: Draft): Promise<void> {
  const db = kysely(em);
  for (;;) {
    const left = await sql`
      with candidate as materialized (
        select manifest_id as id from tag_membership where repository_id = ${repositoryId} and removed_in = ${number}
        union
        select manifest_id from root_membership where repository_id = ${repositoryId} and removed_in = ${number}
        union
        select edge.child_id from membership gone join manifest_manifest edge on edge.parent_id = gone.content_id
        where gone.repository_id = ${repositoryId} and gone.removed_in = ${number} and gone.kind = 'manifest'
      ),
      leaving as materialized (
        select id from candidate
        where not exists (select from lateral (
            select from tag_membership t where t.repository_id = ${repositoryId} and t.manifest_id = candidate.id
              and t.removed_in is null offset 0) as tagged)
          and not exists (select from lateral (
            select from root_membership r where r.repository_id = ${repositoryId} and r.manifest_id = candidate.id
              and r.removed_in is null offset 0) as rooted)
          and not exists (select from lateral (
            select from manifest_manifest edge join membership parent on parent.repository_id = ${repositoryId}
              and parent.kind = 'manifest' and parent.content_id = edge.parent_id and parent.removed_in is null
            where edge.child_id = candidate.id offset 0) as held)
      )
      update membership m set removed_in = ${number} from leaving
      where m.repository_id = ${repositoryId} and m.kind = 'manifest' and m.removed_in is null and m.content_id = leaving.id`.execute(
      db,
    );
    if ((left.numAffectedRows ?? 0n) === 0n) return;
  }
}

async function removeBlobs(em: Em, { repositoryId, number }: Draft): Promise<void> {
  await sql`
    with candidate as materialized (
      select distinct edge.blob_id as id
      from membership gone join manifest_blob edge on edge.manifest_id = gone.content_id
      where gone.repository_id = ${repositoryId} and gone.removed_in = ${number} and gone.kind = 'manifest'
    ),
    leaving as materialized (
      select id from candidate
      where not exists (select from lateral (
        select from manifest_blob edge join membership parent on parent.repository_id = ${repositoryId}
          and parent.kind = 'manifest' and parent.content_id = edge.manifest_id and parent.removed_in is null
        where edge.blob_id = candidate.id offset 0) as held)
    )
    update membership m set removed_in = ${number} from leaving
    where m.repository_id = ${repositoryId} and m.kind = 'blob' and m.removed_in is null and m.content_id = leaving.id`.execute(
    kysely(em),
  );
}

/** A digest asked for that a tag holds already adds a root and no content: still a change to keep. */
async function countChanges(
  em: Em,
  { repositoryId, number, latest }: Draft,
): Promise<{ readonly counts: VersionCounts; readonly changes: number }> {
  const db = kysely(em);
  const side = (kind: RawBuilder<unknown>, table: string) => sql`
    select ${kind} as kind, 1 as added, 0 as removed from ${sql.table(table)}
    where repository_id = ${repositoryId} and added_in = ${number}
    union all
    select ${kind}, 0, 1 from ${sql.table(table)} where repository_id = ${repositoryId} and removed_in = ${number}`;
  const changed = await sql<{ kind: string; added: number; removed: number }>`
    select kind, sum(added)::bigint as added, sum(removed)::bigint as removed from (
      ${side(sql`kind`, 'membership')}
      union all ${side(sql`'tag'`, 'tag_membership')}
      union all ${side(sql`'root'`, 'root_membership')}
    ) as change group by kind`.execute(db);
  const before = await sql<{ counts: VersionCounts }>`
    select counts from repository_version where repository_id = ${repositoryId} and number = ${latest}`.execute(
    db,
  );
  const of = (kind: string, which: 'added' | 'removed') =>
    changed.rows.find((row) => row.kind === kind)?.[which] ?? 0;
  const pick = (which: 'added' | 'removed'): ContentCounts => ({
    blobs: of('blob', which),
    manifests: of('manifest', which),
    tags: of('tag', which),
    signatures: of('signature', which),
  });
  const added = pick('added');
  const removed = pick('removed');
  const was = before.rows[0]?.counts.present ?? { blobs: 0, manifests: 0, tags: 0, signatures: 0 };
  const present = {
    blobs: was.blobs + added.blobs - removed.blobs,
    manifests: was.manifests + added.manifests - removed.manifests,
    tags: was.tags + added.tags - removed.tags,
    signatures: was.signatures + added.signatures - removed.signatures,
  };
  const changes = countAll(added) + countAll(removed) + of('root', 'added') + of('root', 'removed');
  return { counts: { present, added, removed }, changes };
}

function countAll(counts: ContentCounts): number {
  return counts.blobs + counts.manifests + counts.tags + counts.signatures;
}
