import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { recordRepository } from '../webhooks/record-events.ts';

/** Keeps the name of a repository with its tasks, before it is deleted. */
export async function keepRepositoryName(em: Em, repositoryId: number, name: string): Promise<void> {
  await sql`
    update task set arguments = arguments || jsonb_build_object('repositoryName', ${name}::text)
    where repository_id = ${repositoryId}`.execute(kysely(em));
}

/** Locks the repository before the task, as a commit does. Call it first in the transaction that ends the task. */
export async function lockToDiscard(em: Em, taskId: number): Promise<void> {
  await sql`
    select from task join repository r on r.id = task.repository_id
    where task.id = ${taskId} and (task.arguments ->> 'discardUnlessSynced')::boolean for update of r`.execute(
    kysely(em),
  );
}

/**
 * Deletes the repository of a task with `discardUnlessSynced`, and its remote, unless they are in use.
 * A version, a schedule or another distribution keeps the repository. Another repository, schedule or open task keeps
 * the remote.
 */
export async function discardRepository(em: Em, taskId: number): Promise<void> {
  const db = kysely(em);
  const gone = await sql<{ id: number; remoteId: number | null; name: string }>`
    delete from repository r using task
    where task.id = ${taskId} and (task.arguments ->> 'discardUnlessSynced')::boolean and r.id = task.repository_id
      and r.latest = 0 and not r.is_mirrored
      and not exists (select from schedule s where s.repository_id = r.id)
      and not exists (select from distribution d where d.repository_id = r.id and d.base_path <> r.name)
    returning r.id, r.remote_id as "remoteId", r.name`.execute(db);
  const [repository] = gone.rows;
  if (repository === undefined) return;
  const { remoteId, name } = repository;
  await recordRepository(em, 'repository.deleted', repository);
  await sql`
    update task set arguments = arguments || jsonb_build_object('repositoryName', ${name}::text) where id = ${taskId}`.execute(
    db,
  );
  if (remoteId === null) return;
  await sql`
    delete from remote where id = ${remoteId}
      and not exists (select from repository r where r.remote_id = remote.id)
      and not exists (select from schedule s where s.remote_id = remote.id)
      and not exists (select from task t where t.remote_id = remote.id and t.state in ('WAITING', 'RUNNING'))`.execute(
    db,
  );
}
