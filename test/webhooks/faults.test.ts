/** Endpoints that misbehave, and workers that stop. All first attempts of the faults run beside each other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendMessage } from '../../src/activities/webhooks/send-message.ts';
import { claimDelivery, recordAttempt, removeOldDeliveries } from '../../src/db/webhooks/deliveries.ts';
import { newWebhookSecret } from '../../src/webhooks/sign-message.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import { until } from '../support/until.ts';
import { openWebhookStage } from '../support/webhooks/stage-with-webhooks.ts';
import type { WebhookStage } from '../support/webhooks/stage-with-webhooks.ts';

let stage: WebhookStage;
beforeAll(async () => {
  stage = await openWebhookStage();
});
afterAll(() => stage?.close());

const secondsUntil = (at: string | null) => (Date.parse(at ?? '') - Date.now()) / 1000;

test('each fault has its code, is tried again, and a later attempt delivers the same message', async () => {
  const busy = await stage.endpoint({ status: 429, headers: { 'retry-after': '3600' } });
  const huge = await stage.endpoint({ status: 500, body: `first line\n\0${'x'.repeat(200_000)}` });
  const moved = await stage.endpoint({ status: 307, headers: { location: `${busy.url}/elsewhere` } });
  const cut = await stage.endpoint('reset');
  const silent = await stage.endpoint('silence');
  const away = await stage.endpoint();
  await away.close();
  const tls = await openFakeUpstream({ fallback: { status: 204 }, tls: { certificate: 'self-signed' } });
  const cases = [
    ['busy', busy.url, 'WEBHOOK_REFUSED', 429],
    ['huge', huge.url, 'WEBHOOK_REFUSED', 500],
    ['moved', moved.url, 'WEBHOOK_REDIRECTED', 307],
    ['cut', cut.url, 'WEBHOOK_UNREACHABLE', null],
    ['silent', silent.url, 'WEBHOOK_TIMEOUT', null],
    ['away', away.url, 'WEBHOOK_UNREACHABLE', null],
    ['tls', `${tls.url}/hook`, 'TLS_VERIFY_FAILED', null],
  ] as const;
  const tried = await Promise.all(
    cases.map(async ([name, url, errorCode, httpStatus]) => {
      const { id } = await stage.webhook({ name, url });
      const delivery = await stage.tried((await stage.ping(id)).id);
      expect(delivery, name).toMatchObject({ state: 'PENDING', attempts: 1, errorCode, httpStatus });
      expect(delivery.errorMessage, name).not.toContain('/hook');
      return { ...delivery, name };
    }),
  );
  const of = (name: string) => tried.find((one) => one.name === name);
  expect(secondsUntil(of('busy')?.nextAttemptAt ?? null)).toBeGreaterThan(3_000);
  expect(secondsUntil(of('cut')?.nextAttemptAt ?? null)).toBeLessThan(12);
  expect(of('huge')?.responseText).toMatch(/^first line x+$/);
  expect(of('huge')?.responseText?.length).toBeLessThanOrEqual(1_024);
  expect(of('away')?.errorMessage).toContain('ECONNREFUSED');
  // nothing followed the redirect
  expect(busy.received.map(({ path }) => path)).toEqual(['/hook']);
  expect(tls.requests).toEqual([]);
  await tls[Symbol.asyncDispose]();

  for (const endpoint of [busy, huge, moved, cut, silent]) endpoint.answer({ status: 200, body: 'ok' });
  await stage.hurry();
  const healed = tried.filter(({ name }) => !['away', 'tls'].includes(name));
  for (const { id } of healed) await until(async () => (await stage.tried(id)).state === 'DELIVERED');
  // while the silent one was awaited, its time may have come once before
  expect(cut.received.length).toBeGreaterThan(1);
  expect([...new Set(cut.received.map(({ headers }) => headers['webhook-id']))]).toEqual([
    of('cut')?.messageId,
  ]);
  // a delivered one has no error any more
  const last = await stage.tried(of('huge')?.id ?? '');
  expect(last.attempts).toBe(huge.received.length);
  expect(last).toMatchObject({
    httpStatus: 200,
    errorCode: null,
    responseText: null,
    nextAttemptAt: null,
  });
  await stage.sql('delete from webhook');
});

async function read(id: string): Promise<{ enabled: boolean; disabledReason: string | null }> {
  const query = `query ($id: ID!) { webhook(id: $id) { enabled disabledReason } }`;
  return (await stage.api.data(query, { id })).webhook;
}

describe('a webhook is disabled', () => {
  test('by 410 Gone, at once', async () => {
    const endpoint = await stage.endpoint({ status: 410 });
    const { id } = await stage.webhook({ name: 'gone', url: endpoint.url });
    expect(await stage.tried((await stage.ping(id)).id)).toMatchObject({
      state: 'FAILED',
      errorCode: 'WEBHOOK_GONE',
    });
    expect(await read(id)).toMatchObject({
      enabled: false,
      disabledReason: expect.stringContaining('410 Gone'),
    });
    // a ping may test it all the same, and a person enables it
    endpoint.answer({ status: 204 });
    expect(await stage.tried((await stage.ping(id)).id)).toMatchObject({ state: 'DELIVERED' });
    await stage.api.mutate('webhookUpdate', { id, enabled: true });
    expect(await read(id)).toEqual({ enabled: true, disabledReason: null });
  });

  test('by a day without success; what waits fails, and can be delivered again', async () => {
    const endpoint = await stage.endpoint({ status: 500 });
    const { id } = await stage.webhook({ name: 'a-day', url: endpoint.url });
    const first = await stage.tried((await stage.ping(id)).id);
    const second = await stage.tried((await stage.ping(id)).id);
    expect(first.state).toBe('PENDING');
    await stage.pauseDispatch();
    await stage.sql(
      "update webhook_delivery set created_at = now() - interval '24 hours' where webhook_id = (select id from webhook where name = 'a-day')",
    );
    await stage.sql(
      "update webhook_delivery d set next_attempt_at = now() + case when d.id > one.id then interval '1 hour' else interval '0' end " +
        "from (select min(id) as id from webhook_delivery where state = 'PENDING') as one where d.state = 'PENDING'",
    );
    stage.resumeDispatch();
    await until(async () => !(await read(id)).enabled);
    expect((await read(id)).disabledReason).toContain('24 hours');
    const log = await stage.deliveries(id);
    expect(log.map(({ state, errorCode }) => [state, errorCode])).toEqual([
      ['FAILED', 'WEBHOOK_DISABLED'],
      ['FAILED', 'WEBHOOK_REFUSED'],
    ]);
    endpoint.answer({ status: 200 });
    const again = await stage.api.mutate('webhookRedeliver', { id: second.id }, 'delivery { id messageId }');
    expect(again.delivery.messageId).toBe(second.messageId);
    expect(await stage.tried(again.delivery.id)).toMatchObject({ state: 'DELIVERED' });
  });
});

describe('a worker', () => {
  test('that stops hands its delivery back; one that is killed leaves it to the next, and its late result is not stored', async () => {
    const endpoint = await stage.endpoint('silence');
    const { id } = await stage.webhook({ name: 'worker', url: endpoint.url });
    const { id: deliveryId } = await stage.ping(id);
    await until(() => endpoint.received.length === 1);
    endpoint.answer({ status: 204 });
    await stage.harness.stopWorker();
    const [handedBack] = await stage.sql(
      'select state, next_attempt_at <= now() as is_due from webhook_delivery order by id desc limit 1',
    );
    expect(handedBack).toEqual({ state: 'PENDING', is_due: true });
    // as a worker does that is killed then
    const claimed = await claimDelivery(stage.harness.em(), []);
    if (claimed === undefined) throw new Error('nothing was due');
    expect(await claimDelivery(stage.harness.em(), [])).toBeUndefined();
    await stage.harness.restartWorker();
    // its time is over
    await stage.hurry();
    await until(async () => (await stage.tried(deliveryId)).state === 'DELIVERED');
    expect(await stage.tried(deliveryId)).toMatchObject({ attempts: 3, httpStatus: 204 });
    const late = await recordAttempt(stage.harness.em(), claimed, { state: 'FAILED', code: 'LATE' });
    expect(late).toBe(false);
  });
});

test('private addresses are refused at the connection unless they are allowed, and nothing is sent', async () => {
  const endpoint = await stage.endpoint();
  const message = {
    id: 'msg_1',
    sentAt: new Date(),
    body: { contentType: 'application/json', text: '{}' },
  };
  const send = (allowUpstream: readonly string[]) =>
    sendMessage(
      message,
      { url: endpoint.url, secrets: [newWebhookSecret()], allowPrivate: false, allowUpstream },
      new AbortController().signal,
    );
  expect(await send([])).toMatchObject({
    isDelivered: false,
    code: 'ADDRESS_REFUSED',
    message: expect.stringContaining('TIDEMARK_ALLOW_UPSTREAM'),
  });
  expect(endpoint.received).toEqual([]);
  expect(await send(['127.0.0.0/8'])).toEqual({ isDelivered: true, httpStatus: 204 });
});

test('the log keeps 1,000 deliveries of a week, and those that wait', async () => {
  await stage.pauseDispatch();
  const { id } = await stage.webhook({ name: 'log', url: 'http://127.0.0.1:9/hook', enabled: false });
  const numeric = Buffer.from(id, 'base64url').toString().split(':')[1];
  await stage.sql(
    `with event as (insert into webhook_event (name, data, routed_at) values ('ping', '{}', now()) returning id)
     insert into webhook_delivery (webhook_id, event_id, state, next_attempt_at, finished_at)
     select ?, event.id, case n when 1 then 'PENDING' else 'DELIVERED' end, case n when 1 then now() + interval '1 hour' end,
       case when n > 1 then now() - make_interval(days => case when n > 1190 then 8 else 1 end) end
     from event, generate_series(1, 1200) as n`,
    [numeric],
  );
  await removeOldDeliveries(stage.harness.em());
  const [kept] = await stage.sql(
    "select count(*)::int as count, count(*) filter (where state = 'PENDING')::int as waiting from webhook_delivery where webhook_id = ?",
    [numeric],
  );
  // ten of the last thousand are older than a week
  expect(kept).toEqual({ count: 991, waiting: 1 });
  await stage.sql('delete from webhook where id = ?', [numeric]);
  await removeOldDeliveries(stage.harness.em());
  expect(
    await stage.sql(
      "select from webhook_event where name = 'ping' and not exists (select from webhook_delivery d where d.event_id = webhook_event.id)",
    ),
  ).toEqual([]);
  stage.resumeDispatch();
});
