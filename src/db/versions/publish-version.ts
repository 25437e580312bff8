import { sql } from 'kysely';
import { TidemarkError } from '../../oci/error.ts';
import { isKeptNow } from '../content/absences.ts';
import { isHeld } from '../content/held-blobs.ts';
import { reachFrom } from '../content/reach.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { insertVersion } from '../webhooks/record-events.ts';
import { countChanges } from './count-changes.ts';
import type { Draft, Published, Written } from './draft.ts';
import { endBlobs, endManifests } from './end-content.ts';
import { endFollowers } from './end-followers.ts';
import { addMemberships, newRoots } from './memberships.ts';
import { addOptional, hasOptional, isOptionalNew } from './optional-blobs.ts';
import { dropUnused } from './settle-absences.ts';
import { settleSignatures } from './settle-signatures.ts';

export interface VersionSteps<Locked extends Draft> {
  /** Locks the repository's row. A version that is published already ends the change. */
  readonly lock: (em: Em) => Promise<Locked | Published>;
  /** Writes the rows of tags, untagged roots and atomic signatures. */
  readonly write: (em: Em, draft: Locked) => Promise<void>;
  /** Runs in the same transaction, which its errors roll back. */
  readonly finish?: (em: Em, draft: Locked, published: Published) => Promise<void>;
}

/**
 * The only way to change the content of a repository: in one transaction, locks its row, writes and publishes. Concurrent changes are
 * therefore serialized (faults 72, 97). Refreshes the statistics afterwards.
 */
export async function makeVersion<Locked extends Draft>(
  em: Em,
  steps: VersionSteps<Locked>,
): Promise<Published> {
  const published = await em.transactional(async (transaction) => {
    const draft = await steps.lock(transaction);
    if ('createdVersion' in draft) return draft;
    await steps.write(transaction, draft);
    const done = await publishVersion(transaction, draft);
    await steps.finish?.(transaction, draft, done);
    return done;
  });
  await refreshStatistics(em, published.changes);
  return published;
}

/**
 * Completes a version whose tags and untagged roots are written: adds the content below the new ones, removes unreferenced content and
 * its companions, counts, and makes the version the latest.
 * @throws TidemarkError `CONTENT_INCOMPLETE` when something below a tag is not stored and no remote has it.
 */
async function publishVersion(em: Em, draft: Draft): Promise<Published> {
  const db = kysely(em);
  const written = await readWritten(em, draft);
  if (!written.isAdded && !written.isRemoved && !written.isSigned)
    return { createdVersion: null, changes: 0 };
  if (written.isAdded) {
    await addContent(em, draft);
    await addOptional(em, draft);
    await analyzeManyRows(em, draft);
    await assertComplete(em, draft);
  }
  if (written.isRemoved) {
    do await endManifests(em, draft);
    while (await endFollowers(em, draft));
    await endBlobs(em, draft);
    await dropUnused(em, draft);
  }
  await settleSignatures(em, draft, written);
  const { counts, changes } = await countChanges(em, draft);
  if (changes === 0) return { createdVersion: null, changes };
  await insertVersion(em, draft, counts);
  await db
    .updateTable('repository')
    .set({ latest: draft.number, updated_at: sql`now()` })
    .where('id', '=', draft.repositoryId)
    .execute();
  return { createdVersion: draft.number, changes };
}

async function readWritten(em: Em, draft: Draft): Promise<Written> {
  const { repositoryId, number } = draft;
  const holds = (table: string, column: 'added_in' | 'removed_in') =>
    sql`exists (select from ${sql.table(table)} where repository_id = ${repositoryId} and ${sql.ref(column)} = ${number})`;
  const found = await sql<Written>`
    select ${holds('tag_membership', 'added_in')} or ${holds('root_membership', 'added_in')}
        or ${holds('absent_child', 'removed_in')} or ${isOptionalNew(draft)} as "isAdded",
      ${holds('tag_membership', 'removed_in')} or ${holds('root_membership', 'removed_in')}
        or ${holds('absent_child', 'added_in')} as "isRemoved",
      ${holds('membership', 'added_in')} or ${holds('membership', 'removed_in')} as "isSigned"`.execute(
    kysely(em),
  );
  return found.rows[0] ?? { isAdded: true, isRemoved: true, isSigned: true };
}

const manyChanges = 1_000;

/** Stale statistics slow down the next commit by minutes (docs/database.md). */
async function refreshStatistics(em: Em, changes: number): Promise<void> {
  if (changes > manyChanges)
    await sql`analyze tag_membership, root_membership, membership, manifest, manifest_blob, manifest_manifest, blob, signature`.execute(
      kysely(em),
    );
}

/**
 * Analyzes many new rows at once: otherwise the planner takes the repository for empty. `skip_locked`: a commit does not wait for the
 * analysis of another repository's.
 */
async function analyzeManyRows(em: Em, { repositoryId, number }: Draft): Promise<void> {
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
  await addMemberships(
    em,
    draft,
    'manifest',
    sql`with recursive ${reachFrom(newRoots(draft), isKeptNow(repositoryId))} select id from reach`,
  );
  await addMemberships(
    em,
    draft,
    'blob',
    sql`
      select distinct edge.blob_id as id
      from membership added join manifest_blob edge on edge.manifest_id = added.content_id
        and (not edge.is_foreign or ${hasOptional(draft, sql`edge.blob_id`)})
      where added.repository_id = ${repositoryId} and added.kind = 'manifest' and added.added_in = ${number}`,
  );
}

/** The last check: each new manifest is stored; each new blob is stored, or a remote of the repository has it. */
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
      `The version needs ${missing.digest}, which is not stored. Nothing was changed. Sync again.`,
      { origin: 'server' },
    );
}
