/** Runs one sync of each kind and keeps its history: what a later version of the workflow has to be able to go on with. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { expect } from 'vitest';
import type { Task } from '../../src/db/schema/tasks.ts';
import { addImage, createSampleRepository, moveTag, removeTag } from '../../src/demo/sample-image.ts';
import { hang, json, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { createSchedule } from '../support/sync/schedules.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncOutcome } from '../support/sync/harness-options.ts';
import { until } from '../support/until.ts';
import { openWebhookEndpoint } from '../support/webhooks/endpoint.ts';
import type { UpkeepName } from '../../src/db/tasks/upkeep-tasks.ts';
import { recordPing } from '../../src/db/webhooks/record-events.ts';
import { webhookWorkflowType, webhooksDueSignal } from '../../src/workflows/webhook-input.ts';

const upstreamName = 'library/app';
const tags = `/v2/${upstreamName}/tags/list`;

/** Replaces the recorded histories in `folder` by those of today's workflows. */
export async function recordHistories(folder: string): Promise<void> {
  const harness = await startSyncHarness({ syncsPerHost: 1 });
  const content = createSampleRepository();
  for (const tag of ['v1', 'v2', 'v3']) addImage(content, { seed: tag, layers: [2_000], tag });
  const upstream = await openFakeUpstream({ fallback: sampleAnswers(content) });
  const histories = new Map<string, string>();
  const ids = await harness.createRepository({ url: upstream.url, upstreamName });
  const keep = async (name: string, outcome: SyncOutcome, state: string): Promise<void> => {
    expect(outcome.task.state, name).toBe(state);
    histories.set(name, await readHistory(harness, outcome.task));
  };
  try {
    const keepUpkeep = async (story: string, name: UpkeepName, dryRun = false): Promise<void> => {
      const task = await harness.upkeep(name, { dryRun });
      expect(task.state, story).toBe('COMPLETED');
      histories.set(story, await readHistory(harness, task));
    };
    await keep('first-sync', await harness.sync(ids), 'COMPLETED');
    await keep('no-change', await harness.sync(ids), 'COMPLETED');
    moveTag(content, 'v1', addImage(content, { seed: 'v4', layers: [3_000], tag: 'v4' }));
    removeTag(content, 'v2');
    await keep('dry-run', await harness.sync(ids, { mirror: true, dryRun: true }), 'COMPLETED');
    await keep('mirror', await harness.sync(ids, { mirror: true }), 'COMPLETED');

    await keepUpkeep('collection', 'content.collect');
    await keepUpkeep('collection-dry-run', 'content.collect', true);
    await keepUpkeep('verification', 'content.verify');

    const [digest = ''] = content.tags.values();
    await harness.updateRemote(ids.remoteId, { includeTags: [digest, 'v*'] });
    await keep('digests', await harness.sync(ids), 'COMPLETED');
    await harness.updateRemote(ids.remoteId, { includeTags: null });

    // 2,500 tags are three ranges
    const [target] = content.tags.values();
    if (target !== undefined)
      for (let number = 0; number < 2_500; number += 1)
        moveTag(content, `many-${number}`, { digest: target });
    await keep('several-ranges', await harness.sync(ids), 'COMPLETED');

    upstream.on(`GET ${tags}`, json({ errors: [{ code: 'DENIED', message: 'not for you' }] }, {}, 403));
    await keep('failed', await harness.sync(ids), 'FAILED');

    upstream.on(`GET ${tags}`, hang);
    const asked = upstream.requestsOf(`GET ${tags}`).length;
    const task = await harness.start(ids);
    await until(() => upstream.requestsOf(`GET ${tags}`).length > asked);
    const schedule = await createSchedule(harness, ids);
    const skipped = await schedule.run();
    histories.set('scheduled-skipped', await readHistory(harness, skipped));

    // the cap of syncs a host is one
    const other = await harness.createRepository({ url: upstream.url, upstreamName });
    const waiting = await harness.start(other);
    await until(async () => (await readHistory(harness, waiting)).includes('timerStartedEventAttributes'));
    upstream.on(`GET ${tags}`);
    await harness.client.workflow.getHandle(task.workflowId).cancel();
    await keep('cancelled', await harness.finish(task), 'CANCELED');
    await keep('waited', await harness.finish(waiting), 'COMPLETED');
    histories.set('scheduled', await readHistory(harness, await schedule.run()));
    await schedule.delete();
    histories.set('webhooks', await deliverTwice(harness));
  } finally {
    await upstream.close();
    await harness.close();
  }
  await mkdir(folder, { recursive: true });
  for (const file of await readdir(folder)) await rm(join(folder, file));
  for (const [name, text] of histories) await writeFile(join(folder, `${name}.json`), text);
}

/** A delivery that fails, waits, and is delivered after a signal. */
async function deliverTwice(harness: SyncHarness): Promise<string> {
  const { client, taskQueue } = harness;
  const endpoint = await openWebhookEndpoint({ status: 500 }, { status: 204 });
  const em = harness.em();
  const [webhook] = await em.execute<{ id: number }[]>(
    "insert into webhook (name, url) values ('recorded', ?) returning id",
    [endpoint.url],
  );
  await recordPing(em, webhook?.id ?? 0);
  const workflowId = `webhooks/${taskQueue}`;
  const handle = await client.workflow.start(webhookWorkflowType, { taskQueue, workflowId });
  await until(async () =>
    (await readHistory(harness, { workflowId })).includes('timerStartedEventAttributes'),
  );
  await em.execute('update webhook_delivery set next_attempt_at = now()');
  await handle.signal(webhooksDueSignal);
  await handle.result();
  await endpoint.close();
  return readHistory(harness, { workflowId });
}

/** A recorded history, ready to be replayed. */
export function parseHistory(text: string) {
  return History.fromObject(JSON.parse(text) as Record<string, unknown>);
}

// historyToJSON of @temporalio/common fails where npm installs protobufjs twice ("type must be a Type")
const { History } = temporal.api.history.v1;
const asJson = { longs: String, enums: String, bytes: String, json: true };

/** One line an event, without the names of the machine that recorded it. */
async function readHistory(harness: SyncHarness, { workflowId }: Pick<Task, 'workflowId'>): Promise<string> {
  const history = await harness.client.workflow.getHandle(workflowId).fetchHistory();
  const { events } = History.toObject(History.fromObject(history), asJson) as { events: object[] };
  const lines = events.map((event) => JSON.stringify(event, withoutMachine));
  return `{"events":[\n${lines.join(',\n')}\n]}\n`;
}

function withoutMachine(key: string, value: unknown): unknown {
  if (key === 'identity') return 'recorder';
  if (key === 'stackTrace') return undefined;
  // a sticky queue is named after the process and its machine
  if (key === 'taskQueue' && typeof value === 'object' && value !== null && 'normalName' in value)
    return { ...value, name: 'sticky' };
  return value;
}
