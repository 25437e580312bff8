/** The largest sync there can be, with activities that only take a while: its history stays short (docs/design.md). */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';
import type { Activities } from '../../src/activities/create-activities.ts';
import { maxBatches } from '../../src/db/staging/plan-content.ts';
import { syncWorkflowType } from '../../src/workflows/sync-input.ts';
import { testServers } from '../support/servers/servers.ts';
import '../support/sync/sync-harness.ts';

const million = 1_000_000;
const plan = { batches: maxBatches, blobsToFetch: million, bytesToFetch: 1e15, manifestsToAsk: million };

/** No two end together, so that each has a workflow task of its own. */
async function work(): Promise<void> {
  await sleep(10 + Math.random() * 40);
}

const activities = {
  beginSync: async () => ({
    next: 'walkTags',
    facts: {
      dryRun: false,
      mirror: true,
      downloadConcurrency: 20,
      requiresSignatures: true,
      positions: million,
      digests: 1,
      batches: 0,
      blobsToFetch: 0,
      bytesToFetch: 0,
      manifestsToAsk: 0,
      createdVersion: null,
    },
  }),
  walkTags: work,
  findRemovals: work,
  fetchDigests: work,
  fetchBlobs: work,
  fetchSignatures: work,
  verifySelected: work,
  planSync: async () => plan,
  enterStage: async () => undefined,
  commitSync: async () => ({ createdVersion: 1 }),
  nextInLine: async () => [],
} satisfies Partial<Activities>;

test('a sync split into parts has a history of at most 500 events', async () => {
  const { temporalAddress } = testServers();
  const taskQueue = `large-${randomBytes(6).toString('hex')}`;
  const connection = await NativeConnection.connect({ address: temporalAddress });
  const client = new Client({ connection: await Connection.connect({ address: temporalAddress }) });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle: { codePath: inject('workflowBundle') },
    activities,
  });
  const handle = await client.workflow.start(syncWorkflowType, {
    taskQueue,
    workflowId: taskQueue,
    args: [{ taskId: 1, repositoryName: 'large' }],
  });
  await worker.runUntil(async () => {
    expect(await handle.result()).toEqual({ createdVersion: 1 });
  });
  const { historyLength } = await handle.describe();
  console.log(`the largest sync: ${historyLength} events`);
  expect(historyLength).toBeLessThanOrEqual(500);
  await client.connection.close();
  await connection.close();
});
