import { sql } from 'kysely';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import type { Em } from '../open-database.ts';
import { countByParent } from '../reads/counts.ts';
import { toPages } from '../reads/read-page.ts';
import type { Page } from '../reads/read-page.ts';
import type { DeliveryState } from '../schema/webhooks/webhooks.ts';
import { kysely } from '../sql.ts';

export interface DeliveryRow {
  readonly id: number;
  readonly webhookId: number;
  readonly webhookName: string;
  readonly messageId: string;
  readonly sequence: number;
  readonly event: string;
  readonly repositoryName: string | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly responseText: string | null;
  readonly createdAt: Date;
  readonly attemptedAt: Date | null;
  readonly nextAttemptAt: Date | null;
  readonly finishedAt: Date | null;
}

const columns = sql`
  d.id, d.webhook_id as "webhookId", w.name as "webhookName", e.message_id as "messageId", e.id as sequence, e.name as event,
  e.repository_name as "repositoryName", d.state, d.attempts, d.http_status as "httpStatus", d.error_code as "errorCode",
  d.error_message as "errorMessage", d.response_text as "responseText", d.created_at as "createdAt", d.attempted_at as "attemptedAt",
  case when d.state = 'PENDING' then greatest(d.next_attempt_at, w.paused_until) end as "nextAttemptAt", d.finished_at as "finishedAt"`;
const joined = sql`join webhook w on w.id = d.webhook_id join webhook_event e on e.id = d.event_id`;

/** In the order of the ids; undefined if absent, or of an invisible webhook. */
export async function readDeliveries(
  em: Em,
  visibility: Visibility,
  ids: readonly number[],
): Promise<(DeliveryRow | undefined)[]> {
  const found = await sql<DeliveryRow>`
    select ${columns} from webhook_delivery d ${joined}
    where d.id = any(${ids}::bigint[]) and ${nameVisible(sql`w.name`, visibility)}`.execute(kysely(em));
  const byId = new Map(found.rows.map((row) => [row.id, withTimes(row)]));
  return ids.map((id) => byId.get(id));
}

export interface DeliveryPageArguments {
  readonly first: number;
  /** Id of the last row of the previous page. */
  readonly after: number | undefined;
}

/** Newest first, in one statement. */
export async function readDeliveryPages(
  em: Em,
  webhookIds: readonly number[],
  { first, after }: DeliveryPageArguments,
): Promise<Page<DeliveryRow>[]> {
  const found = await sql<DeliveryRow & { n: number }>`
    select p.n, page.* from unnest(${webhookIds}::bigint[]) with ordinality as p(webhook_id, n)
    cross join lateral (
      select ${columns} from webhook_delivery d ${joined}
      where d.webhook_id = p.webhook_id and d.id < ${after ?? Number.MAX_SAFE_INTEGER}
      order by d.id desc limit ${first + 1}
    ) as page order by p.n, page.id desc`.execute(kysely(em));
  return toPages(
    found.rows.map((row) => ({ ...withTimes(row), n: row.n })),
    webhookIds.length,
    first,
  );
}

export function countDeliveries(em: Em, webhookIds: readonly number[]): Promise<number[]> {
  return countByParent(em, 'webhook_delivery', 'webhook_id', webhookIds);
}

function withTimes(row: DeliveryRow): DeliveryRow {
  const { createdAt, attemptedAt, nextAttemptAt, finishedAt } = row;
  return {
    ...row,
    createdAt: new Date(createdAt),
    attemptedAt: attemptedAt === null ? null : new Date(attemptedAt),
    nextAttemptAt: nextAttemptAt === null ? null : new Date(nextAttemptAt),
    finishedAt: finishedAt === null ? null : new Date(finishedAt),
  };
}
