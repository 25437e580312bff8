import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { pingEvent } from '../../webhooks/event-names.ts';
import type { WebhookEventName } from '../../webhooks/event-names.ts';
import type { Em } from '../open-database.ts';
import type { VersionCounts } from '../schema/versions.ts';
import { kysely } from '../sql.ts';
import type { Draft } from '../versions/draft.ts';

/* Each function writes in the transaction of what it tells, and writes nothing where no webhook is enabled. */

const isHeard = sql`exists (select from webhook where enabled)`;

/** The beginning of a statement that writes events; a query with these columns follows. */
const insertEvents = sql`insert into webhook_event (name, repository_id, repository_name, data)`;

/** Inserts a version, and tells of it. Its tags are read when the event is routed. */
export async function insertVersion(
  em: Em,
  { repositoryId, number, taskId }: Draft,
  counts: VersionCounts,
): Promise<void> {
  await sql`
    with made as (
      insert into repository_version (repository_id, number, task_id, counts)
      values (${repositoryId}, ${number}, ${taskId}, ${JSON.stringify(counts)}::jsonb) returning *
    )
    ${insertEvents}
    select ${nameOf('repository.version.created')}, r.id, r.name,
      jsonb_build_object('version', made.number, 'task', made.task_id, 'counts', made.counts)
    from made join repository r on r.id = made.repository_id where ${isHeard}`.execute(kysely(em));
}

/** Tells of a sync that has ended in this transaction. */
export async function recordSyncEnd(em: Em, taskId: number): Promise<void> {
  await tellSyncEnds(sql`(select * from task where id = ${taskId})`).execute(kysely(em));
}

/** A statement that tells of the syncs among these rows of `task`. Dry runs and canceled syncs are not told. */
export function tellSyncEnds(tasks: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    ${insertEvents}
    select case task.state when 'COMPLETED' then ${nameOf('repository.sync.completed')} else ${nameOf('repository.sync.failed')} end,
      r.id, r.name, jsonb_build_object('task', task.id, 'trigger', coalesce(task.arguments ->> 'trigger', 'MANUAL'),
        'upstreamHost', task.upstream_host, 'version', task.created_version, 'code', task.error_code,
        'message', left(task.error_message, 1000), 'startedAt', coalesce(task.started_at, task.created_at), 'finishedAt', task.finished_at)
    from ${tasks} as task join repository r on r.id = task.repository_id
    where task.name = 'repository.sync' and task.state in ('COMPLETED', 'FAILED')
      and not (task.arguments @> '{"dryRun": true}') and ${isHeard}`;
}

/** Tells that a repository was created or is going to be deleted. */
export async function recordRepository(
  em: Em,
  name: 'repository.created' | 'repository.deleted',
  repository: { readonly id: number; readonly name: string },
): Promise<void> {
  await sql`
    ${insertEvents}
    select ${nameOf(name)}, ${repository.id}, ${repository.name}, '{}'::jsonb where ${isHeard}`.execute(
    kysely(em),
  );
}

/** Tells one webhook of nothing but that it is reached. @returns the id of the delivery. */
export async function recordPing(em: Em, webhookId: number): Promise<number> {
  const made = await sql<{ id: number }>`
    with event as (
      insert into webhook_event (name, data, routed_at) values (${pingEvent}, '{}', now()) returning id
    )
    insert into webhook_delivery (webhook_id, event_id) select ${webhookId}, event.id from event returning id`.execute(
    kysely(em),
  );
  return made.rows[0]?.id ?? 0;
}

function nameOf(name: WebhookEventName): RawBuilder<string> {
  return sql<string>`${name}::text`;
}
