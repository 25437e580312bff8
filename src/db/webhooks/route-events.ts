import { sql } from 'kysely';
import type { TagChanges } from '../../webhooks/message.ts';
import type { Em } from '../open-database.ts';
import { Webhook } from '../schema/webhooks/webhooks.ts';
import { kysely } from '../sql.ts';
import { readTagChanges } from './read-tag-changes.ts';

export interface UnroutedEvent {
  readonly id: number;
  readonly name: string;
  readonly repositoryId: number | null;
  readonly repositoryName: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** One event for one webhook. */
export interface Route {
  readonly webhookId: number;
  readonly eventId: number;
}

/** Of a webhook whose endpoint is away. Later events fail at once; each can be redelivered. */
export const pendingMost = 10_000;
const eventsAPage = 200;

/**
 * Makes the deliveries of the next events in one transaction. Events that no webhook wants are removed.
 * @param choose Which webhooks are told of which events.
 * @returns whether there may be more.
 */
export async function routeEvents(
  em: Em,
  choose: (
    em: Em,
    webhooks: readonly Webhook[],
    events: readonly UnroutedEvent[],
  ) => Promise<readonly Route[]>,
): Promise<boolean> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const found = await sql<UnroutedEvent>`
      select id, name, repository_id as "repositoryId", repository_name as "repositoryName", data
      from webhook_event where routed_at is null order by id limit ${eventsAPage} for update skip locked`.execute(
      db,
    );
    const events = found.rows;
    if (events.length === 0) return false;
    const webhooks = await transaction.find(Webhook, { enabled: true }, { orderBy: { id: 'asc' } });
    const routes = await choose(transaction, webhooks, events);
    const wanted = new Set(routes.map(({ eventId }) => eventId));
    await completeVersions(
      transaction,
      events.filter(({ id }) => wanted.has(id)),
    );
    await sql`
      with unwanted as (delete from webhook_event where id = any(${idsOf(events.filter(({ id }) => !wanted.has(id)))}::bigint[]))
      update webhook_event set routed_at = now() where id = any(${[...wanted]}::bigint[])`.execute(db);
    await insertDeliveries(transaction, routes);
    return events.length === eventsAPage;
  });
}

/** Adds the changed tags to new versions. Versions are immutable, so that this need not happen in the commit. */
async function completeVersions(em: Em, events: readonly UnroutedEvent[]): Promise<void> {
  const versions = events.flatMap(({ id, name, repositoryId, data }) =>
    name === 'repository.version.created' && repositoryId !== null
      ? [{ eventId: id, repositoryId, number: Number(data['version']) }]
      : [],
  );
  if (versions.length === 0) return;
  const changes = await readTagChanges(em, versions);
  const tags = changes.map((change: TagChanges, index) => ({ id: versions[index]?.eventId, tags: change }));
  await sql`
    update webhook_event e set data = e.data || jsonb_build_object('tags', v.tags)
    from jsonb_to_recordset(${JSON.stringify(tags)}::jsonb) as v(id bigint, tags jsonb) where e.id = v.id`.execute(
    kysely(em),
  );
}

async function insertDeliveries(em: Em, routes: readonly Route[]): Promise<void> {
  if (routes.length === 0) return;
  const webhookIds = routes.map(({ webhookId }) => webhookId);
  const eventIds = routes.map(({ eventId }) => eventId);
  const message = `The webhook has ${pendingMost} deliveries that wait already. Repair its endpoint, then deliver this one again.`;
  await sql`
    with waiting as (
      select webhook_id, count(*) >= ${pendingMost} as is_full from webhook_delivery
      where state = 'PENDING' and webhook_id = any(${webhookIds}::bigint[]) group by 1
    )
    insert into webhook_delivery (webhook_id, event_id, state, next_attempt_at, finished_at, error_code, error_message)
    select v.webhook_id, v.event_id, case when is_full then 'FAILED' else 'PENDING' end, case when not is_full then now() end,
      case when is_full then now() end, case when is_full then 'WEBHOOK_QUEUE_FULL' end, case when is_full then ${message} end
    from unnest(${webhookIds}::bigint[], ${eventIds}::bigint[]) with ordinality as v(webhook_id, event_id, n),
      lateral (select coalesce((select is_full from waiting where waiting.webhook_id = v.webhook_id), false) as is_full) as queue
    order by v.n`.execute(kysely(em));
}

function idsOf(events: readonly UnroutedEvent[]): number[] {
  return events.map(({ id }) => id);
}
