import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { WebhookFormat } from '../schema/webhooks/webhooks.ts';
import { kysely } from '../sql.ts';

/** A delivery that a worker has taken, with what it needs. */
export interface ClaimedDelivery {
  readonly id: number;
  /** With this one. */
  readonly attempts: number;
  readonly ageMs: number;
  readonly webhookId: number;
  readonly webhookName: string;
  readonly url: string;
  readonly format: WebhookFormat;
  readonly secretSealed: string | null;
  /** Null once its time is over. */
  readonly earlierSecretSealed: string | null;
  /** Whether the endpoint has taken any delivery since this one was made. */
  readonly hasSucceeded: boolean;
  readonly messageId: string;
  readonly sequence: number;
  readonly event: string;
  readonly occurredAt: string;
  readonly repositoryId: number | null;
  readonly repositoryName: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Longer than an attempt takes. Then a worker is taken for dead, and the delivery is due again. */
const leaseSeconds = 30;

/** Takes the delivery that is due longest; undefined if there is none. `busy` webhooks are left out. */
export async function claimDelivery(em: Em, busy: readonly number[]): Promise<ClaimedDelivery | undefined> {
  const claimed = await sql<ClaimedDelivery>`
    with due as (
      select d.id from webhook_delivery d join webhook w on w.id = d.webhook_id
      where ${isDue} and d.webhook_id <> all(${[...busy]}::bigint[])
      order by d.next_attempt_at, d.id limit 1 for update of d skip locked
    )
    update webhook_delivery d set attempts = d.attempts + 1, attempted_at = now(),
      next_attempt_at = now() + make_interval(secs => ${leaseSeconds})
    from due, webhook w, webhook_event e
    where d.id = due.id and w.id = d.webhook_id and e.id = d.event_id
    returning d.id, d.attempts, (extract(epoch from now() - d.created_at) * 1000)::float as "ageMs", w.id as "webhookId",
      w.name as "webhookName", w.url, w.format, w.secret_sealed as "secretSealed",
      case when w.earlier_secret_until > now() then w.earlier_secret_sealed end as "earlierSecretSealed",
      coalesce(w.succeeded_at >= d.created_at, false) as "hasSucceeded", e.message_id as "messageId", e.id as sequence, e.name as event,
      e.occurred_at as "occurredAt", e.repository_id as "repositoryId", e.repository_name as "repositoryName", e.data`.execute(
    kysely(em),
  );
  return claimed.rows[0];
}

const isDue = sql`d.state = 'PENDING' and d.next_attempt_at <= now() and coalesce(w.paused_until <= now(), true)`;

/** Whether there is anything to route or to send. */
export async function hasDueWork(em: Em): Promise<boolean> {
  const found = await sql<{ has: boolean }>`
    select exists (select from webhook_event where routed_at is null)
      or exists (select from webhook_delivery d join webhook w on w.id = d.webhook_id where ${isDue}) as has`.execute(
    kysely(em),
  );
  return found.rows[0]?.has === true;
}

/** Until the next delivery is due; undefined: none waits. */
export async function readNextDueMs(em: Em): Promise<number | undefined> {
  const found = await sql<{ ms: number | null }>`
    select (extract(epoch from min(greatest(d.next_attempt_at, w.paused_until)) - now()) * 1000)::float as ms
    from webhook_delivery d join webhook w on w.id = d.webhook_id where d.state = 'PENDING'`.execute(
    kysely(em),
  );
  const ms = found.rows[0]?.ms;
  return typeof ms === 'number' ? Math.max(0, ms) : undefined;
}

/** What became of an attempt. */
export interface Attempt {
  readonly state: 'PENDING' | 'DELIVERED' | 'FAILED';
  readonly httpStatus?: number | undefined;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly responseText?: string | undefined;
  /** Of `PENDING`. */
  readonly nextAttemptInMs?: number | undefined;
  /** The endpoint takes nothing for so long. */
  readonly pauseMs?: number | undefined;
  /** Why the webhook is disabled. */
  readonly disabledReason?: string | undefined;
}

/** Stores the outcome of an attempt, unless another worker has taken the delivery over. */
export async function recordAttempt(
  em: Em,
  { id, attempts, webhookId }: Pick<ClaimedDelivery, 'id' | 'attempts' | 'webhookId'>,
  attempt: Attempt,
): Promise<boolean> {
  const { state, httpStatus = null, code = null, message = null, responseText = null } = attempt;
  const { nextAttemptInMs = 0, pauseMs, disabledReason } = attempt;
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    // first: what disables a webhook locks its deliveries next
    if (state === 'DELIVERED' || pauseMs !== undefined || disabledReason !== undefined)
      await sql`
        update webhook set succeeded_at = case when ${state} = 'DELIVERED' then now() else succeeded_at end,
          paused_until = now() + make_interval(secs => ${(pauseMs ?? 0) / 1000})
        where id = ${webhookId}`.execute(db);
    const stored = await sql`
      update webhook_delivery set state = ${state}, http_status = ${httpStatus}, error_code = ${code}, error_message = ${message},
        response_text = ${responseText}, finished_at = case when ${state} <> 'PENDING' then now() end,
        next_attempt_at = case when ${state} = 'PENDING' then now() + make_interval(secs => ${nextAttemptInMs / 1000}) end
      where id = ${id} and attempts = ${attempts} and state = 'PENDING'`.execute(db);
    if (stored.numAffectedRows !== 1n) return false;
    if (disabledReason !== undefined) await disableWebhook(transaction, webhookId, disabledReason);
    return true;
  });
}

/** Hands a delivery back whose attempt was cut off. */
export async function releaseDelivery(em: Em, { id, attempts }: ClaimedDelivery): Promise<void> {
  await sql`
    update webhook_delivery set next_attempt_at = now() where id = ${id} and attempts = ${attempts} and state = 'PENDING'`.execute(
    kysely(em),
  );
}

/** Delivers the event of a delivery once more. @returns the id of the new delivery. */
export async function insertRedelivery(em: Em, deliveryId: number): Promise<number> {
  const made = await sql<{ id: number }>`
    insert into webhook_delivery (webhook_id, event_id)
    select webhook_id, event_id from webhook_delivery where id = ${deliveryId} returning id`.execute(
    kysely(em),
  );
  return made.rows[0]?.id ?? 0;
}

/** Disables a webhook. What waits for it fails. */
async function disableWebhook(em: Em, webhookId: number, reason: string): Promise<void> {
  const db = kysely(em);
  await sql`update webhook set enabled = false, disabled_reason = ${reason} where id = ${webhookId} and enabled`.execute(
    db,
  );
  await failPending(em, webhookId);
}

/** Ends the deliveries that wait for a webhook that is disabled. */
export async function failPending(em: Em, webhookId: number): Promise<void> {
  await sql`
    update webhook_delivery set state = 'FAILED', finished_at = now(), next_attempt_at = null, error_code = 'WEBHOOK_DISABLED',
      error_message = 'The webhook was disabled. Enable it, then deliver this one again.'
    where webhook_id = ${webhookId} and state = 'PENDING'`.execute(kysely(em));
}

const keptDays = 7;
const keptMost = 1_000;

/** Removes the deliveries beyond the last 1,000 of each webhook, those older than a week, and events without a delivery. Waiting ones stay. */
export async function removeOldDeliveries(em: Em): Promise<void> {
  const db = kysely(em);
  await sql`
    delete from webhook_delivery old
    using (select id, (select d.id from webhook_delivery d where d.webhook_id = webhook.id order by d.id desc offset ${keptMost - 1} limit 1)
      as first_kept from webhook) as kept
    where old.webhook_id = kept.id and old.state <> 'PENDING'
      and (old.finished_at < now() - make_interval(days => ${keptDays}) or old.id < kept.first_kept)`.execute(
    db,
  );
  await sql`
    delete from webhook_event e where (e.routed_at is not null or e.occurred_at < now() - make_interval(days => ${keptDays}))
      and not exists (select from webhook_delivery d where d.event_id = e.id)`.execute(db);
}
