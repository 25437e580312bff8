import { sql } from 'kysely';
import { TidemarkError } from '../oci/error.ts';
import type { ContentCounts, SyncArguments, VersionCounts } from './entities.ts';
import type { Em } from './open-database.ts';
import { kysely } from './sql.ts';
import { clearStage } from './tasks.ts';

export interface CommitResult {
  /** Number of the new version; null when nothing had changed. */
  readonly createdVersion: number | null;
}

interface Commit {
  readonly taskId: number;
  readonly repositoryId: number;
  /** The number that this commit writes, if it changes anything. */
  readonly number: number;
  readonly mirror: boolean;
}

/**
 * Publishes what a sync has staged: one transaction that locks the repository, compares the stage with what is latest now, writes only
 * what changed, and ends the task. A commit that changes nothing makes no version. Called again after it succeeded, it answers the same.
 * @throws TidemarkError `MASS_REMOVAL_REFUSED` (FAULTS 30), `TASK_FENCED` or `TASK_NOT_RUNNING` for an attempt whose time is over
 * (FAULTS 96), `CONTENT_INCOMPLETE` when something below a tag is not stored.
 */
export async function commitVersion(em: Em, taskId: number): Promise<CommitResult> {
  const { result, changes } = await em.transactional((transaction) => commit(transaction, taskId));
  // stale statistics after a big commit made the next one run for minutes (DATABASE.md)
  if (changes > 1_000)
    await sql`analyze tag_membership, root_membership, membership, manifest, manifest_blob, manifest_manifest, blob`.execute(
      kysely(em),
    );
  return result;
}

async function commit(em: Em, taskId: number): Promise<{ result: CommitResult; changes: number }> {
  const db = kysely(em);
  const task = await lockTask(em, taskId);
  if (task.state === 'COMPLETED') return { result: { createdVersion: task.createdVersion }, changes: 0 };
  const change: Commit = {
    taskId,
    repositoryId: task.repositoryId,
    number: task.latest + 1,
    mirror: task.arguments.mirror,
  };
  if (change.mirror && !task.arguments.confirmRemoval) await refuseMassRemoval(em, change);
  await writeTags(em, change);
  await writeRoots(em, change);
  await addContent(em, change);
  await assertComplete(em, change);
  await removeManifests(em, change);
  await removeBlobs(em, change);
  const counts = await countChanges(em, change, task.latest);
  const changes = countAll(counts.added) + countAll(counts.removed) + (await countRootChanges(em, change));
  const createdVersion = changes === 0 ? null : change.number;
  if (createdVersion !== null)
    await sql`
      insert into repository_version (repository_id, number, task_id, counts)
      values (${change.repositoryId}, ${createdVersion}, ${taskId}, ${JSON.stringify(counts)}::jsonb)`.execute(
      db,
    );
  await sql`
    update repository set latest = ${createdVersion ?? task.latest}, is_mirrored = true, updated_at = now()
    where id = ${change.repositoryId}`.execute(db);
  await sql`
    update task set state = 'COMPLETED', stage = 'FINISHED', finished_at = now(), created_version = ${createdVersion}
    where id = ${taskId}`.execute(db);
  await clearStage(em, taskId);
  return { result: { createdVersion }, changes };
}

interface LockedTask {
  readonly state: string;
  readonly createdVersion: number | null;
  readonly repositoryId: number;
  readonly latest: number;
  readonly arguments: SyncArguments;
}

async function lockTask(em: Em, taskId: number): Promise<LockedTask> {
  const result = await sql<LockedTask & { fenced: boolean }>`
    select task.state, task.created_version as "createdVersion", task.repository_id as "repositoryId", task.arguments,
      repository.latest, task.fence is distinct from repository.fence as fenced
    from task join repository on repository.id = task.repository_id
    where task.id = ${taskId} for update of repository, task`.execute(kysely(em));
  const task = result.rows[0];
  if (!task)
    throw new TidemarkError('NOT_FOUND', `Task ${taskId} or its repository is not there any more.`, {
      origin: 'server',
    });
  if (task.state === 'COMPLETED') return task;
  if (task.state !== 'RUNNING')
    throw new TidemarkError('TASK_NOT_RUNNING', `Task ${taskId} is ${task.state}: nothing is committed.`, {
      origin: 'server',
    });
  if (task.fenced)
    throw new TidemarkError(
      'TASK_FENCED',
      `A later task has taken the repository of task ${taskId}: nothing is committed.`,
      {
        origin: 'server',
      },
    );
  return task;
}

async function refuseMassRemoval(em: Em, { taskId, repositoryId }: Commit): Promise<void> {
  const result = await sql<{ present: number; removed: number }>`
    select count(*) as present, count(s.name) as removed
    from tag_membership t
    left join sync_tag s on s.task_id = ${taskId} and s.name = t.name and s.manifest_id is null
    where t.repository_id = ${repositoryId} and t.removed_in is null`.execute(kysely(em));
  const { present, removed } = result.rows[0] ?? { present: 0, removed: 0 };
  const refused = removed > 0 && (removed === present || (present >= 10 && removed > present / 2));
  if (refused)
    throw new TidemarkError(
      'MASS_REMOVAL_REFUSED',
      `This mirror sync would remove ${removed} of the repository's ${present} tags. Nothing was changed. ` +
        'Check that the upstream and the filters are right; if the removal is meant, sync again with confirmRemoval: true.',
    );
}

async function writeTags(em: Em, { taskId, repositoryId, number, mirror }: Commit): Promise<void> {
  const db = kysely(em);
  await sql`
    update tag_membership t set removed_in = ${number}
    from sync_tag s
    where s.task_id = ${taskId} and t.repository_id = ${repositoryId} and t.removed_in is null and t.name = s.name
      and (s.manifest_id <> t.manifest_id or (${mirror} and s.manifest_id is null))`.execute(db);
  await sql`
    insert into tag_membership (repository_id, name, manifest_id, added_in)
    select ${repositoryId}, s.name, s.manifest_id, ${number}
    from sync_tag s
    where s.task_id = ${taskId} and s.manifest_id is not null
      and not exists (select from tag_membership t
        where t.repository_id = ${repositoryId} and t.name = s.name and t.removed_in is null)
    order by s.name`.execute(db);
}

/** Digests asked for; after an additive sync what a moved tag pointed at (contract: it stays, untagged). A mirror drops both in its subset. */
async function writeRoots(em: Em, { taskId, repositoryId, number, mirror }: Commit): Promise<void> {
  const db = kysely(em);
  if (mirror)
    await sql`
      update root_membership r set removed_in = ${number}
      from sync_root s
      where s.task_id = ${taskId} and s.is_removed and r.repository_id = ${repositoryId} and r.removed_in is null
        and r.manifest_id = s.manifest_id and r.name = s.name`.execute(db);
  await sql`
    insert into root_membership (repository_id, manifest_id, name, added_in)
    select ${repositoryId}, wish.manifest_id, wish.name, ${number}
    from (
      select manifest_id, name from sync_root where task_id = ${taskId} and not is_removed
      union
      select t.manifest_id, t.name from tag_membership t
      where t.repository_id = ${repositoryId} and t.removed_in = ${number} and not ${mirror}
    ) as wish
    where not exists (select from root_membership r
      where r.repository_id = ${repositoryId} and r.manifest_id = wish.manifest_id and r.name = wish.name
        and r.removed_in is null)
    order by wish.manifest_id, wish.name`.execute(db);
}

async function addContent(em: Em, { repositoryId, number }: Commit): Promise<void> {
  const db = kysely(em);
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
      from membership added join manifest_blob edge on edge.manifest_id = added.content_id and not edge.is_foreign
      where added.repository_id = ${repositoryId} and added.kind = 'manifest' and added.added_in = ${number}
    ) as fresh
    where not exists (select from lateral (
      select from membership p where p.repository_id = ${repositoryId} and p.kind = 'blob' and p.content_id = fresh.blob_id
        and p.removed_in is null offset 0) as present)
    order by fresh.blob_id`.execute(db);
}

/** The last guard of "never half-published": every manifest and every blob that this version adds is stored. */
async function assertComplete(em: Em, { repositoryId, number }: Commit): Promise<void> {
  const result = await sql<{ digest: string }>`
    select coalesce(manifest.digest, blob.digest) as digest
    from membership added
      left join manifest on added.kind = 'manifest' and manifest.id = added.content_id
      left join blob on added.kind = 'blob' and blob.id = added.content_id
    where added.repository_id = ${repositoryId} and added.added_in = ${number}
      and ((added.kind = 'manifest' and manifest.raw is null) or (added.kind = 'blob' and blob.stored_at is null))
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
async function removeManifests(em: Em, { repositoryId, number }: Commit): Promise<void> {
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

async function removeBlobs(em: Em, { repositoryId, number }: Commit): Promise<void> {
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
        where edge.blob_id = candidate.id and not edge.is_foreign offset 0) as held)
    )
    update membership m set removed_in = ${number} from leaving
    where m.repository_id = ${repositoryId} and m.kind = 'blob' and m.removed_in is null and m.content_id = leaving.id`.execute(
    kysely(em),
  );
}

async function countChanges(
  em: Em,
  { repositoryId, number }: Commit,
  latest: number,
): Promise<VersionCounts> {
  const db = kysely(em);
  const changed = await sql<{ kind: string; added: number; removed: number }>`
    select kind, count(*) filter (where added_in = ${number}) as added, count(*) filter (where removed_in = ${number}) as removed
    from (
      select kind, added_in, null::int as removed_in from membership
      where repository_id = ${repositoryId} and added_in = ${number}
      union all
      select kind, null, removed_in from membership where repository_id = ${repositoryId} and removed_in = ${number}
      union all
      select 'tag', added_in, null from tag_membership where repository_id = ${repositoryId} and added_in = ${number}
      union all
      select 'tag', null, removed_in from tag_membership where repository_id = ${repositoryId} and removed_in = ${number}
    ) as change group by kind`.execute(db);
  const before = await sql<{ counts: VersionCounts }>`
    select counts from repository_version where repository_id = ${repositoryId} and number = ${latest}`.execute(
    db,
  );
  const pick = (side: 'added' | 'removed'): ContentCounts => {
    const of = (kind: string) => changed.rows.find((row) => row.kind === kind)?.[side] ?? 0;
    return { blobs: of('blob'), manifests: of('manifest'), tags: of('tag'), signatures: of('signature') };
  };
  const added = pick('added');
  const removed = pick('removed');
  const was = before.rows[0]?.counts.present ?? { blobs: 0, manifests: 0, tags: 0, signatures: 0 };
  const present = {
    blobs: was.blobs + added.blobs - removed.blobs,
    manifests: was.manifests + added.manifests - removed.manifests,
    tags: was.tags + added.tags - removed.tags,
    signatures: was.signatures + added.signatures - removed.signatures,
  };
  return { present, added, removed };
}

/** A digest asked for that a tag holds already adds a root and no content: still a change to keep. */
async function countRootChanges(em: Em, { repositoryId, number }: Commit): Promise<number> {
  const result = await sql<{ count: number }>`
    select (select count(*) from root_membership where repository_id = ${repositoryId} and added_in = ${number})
      + (select count(*) from root_membership where repository_id = ${repositoryId} and removed_in = ${number}) as count`.execute(
    kysely(em),
  );
  return result.rows[0]?.count ?? 0;
}

function countAll(counts: ContentCounts): number {
  return counts.blobs + counts.manifests + counts.tags + counts.signatures;
}
