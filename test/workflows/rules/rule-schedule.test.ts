/** Rules that run by themselves, by schedules of Temporal that the reconciler keeps. */
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcileSchedules } from '../../../src/api/temporal/reconcile-schedules.ts';
import { createWorkflowClient } from '../../../src/api/temporal/workflow-client.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import { until } from '../../support/until.ts';
import { openCatalog } from './registry.ts';
import type { CatalogUpstream } from './registry.ts';

let stage: StageWithApi;
let catalog: CatalogUpstream;
beforeAll(async () => {
  stage = await openStageWithApi();
  catalog = await openCatalog(['one', 'two']);
});
afterAll(async () => {
  await catalog?.upstream.close();
  await stage?.close();
});

function reconcile(): Promise<void> {
  const { database, client, taskQueue } = stage.harness;
  const workflows = createWorkflowClient({ client, taskQueue });
  const logger = pino({ enabled: false });
  return reconcileSchedules({ database, workflows, logger }, new AbortController().signal);
}

async function read(id: string) {
  const { mirrorRule } = await stage.api.data(
    `query ($id: ID!) { mirrorRule(id: $id) { repositoryCount nextRunAts lastRun { id state workflowId } } }`,
    { id },
  );
  return mirrorRule as {
    repositoryCount: number;
    nextRunAts: readonly string[];
    lastRun: { id: string; state: string; workflowId: string } | null;
  };
}

async function temporalIds(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { scheduleId } of stage.harness.client.schedule.list()) ids.push(scheduleId);
  return ids;
}

test('a rule with an interval runs by itself, a paused one does not, and a deleted one leaves no schedule', async () => {
  const { mirrorRule } = await stage.api.mutate(
    'mirrorRuleCreate',
    { name: 'timed', url: catalog.upstream.url, targetPrefix: 'timed', intervalSeconds: 1 },
    'mirrorRule { id }',
  );
  const { id } = mirrorRule as { id: string };
  await reconcile();
  await until(async () => (await read(id)).lastRun?.state === 'COMPLETED');
  const rule = await read(id);
  expect(rule.repositoryCount).toBe(2);
  const ofHost = `TidemarkRemoteHost = '${new URL(catalog.upstream.url).host}' AND TidemarkTrigger = 'SCHEDULE'`;
  await until(async () => (await stage.harness.client.workflow.count(ofHost)).count === 2);
  const [, temporalId = ''] = /^(rule-schedule\/.*?)-\d{4}-/.exec(rule.lastRun?.workflowId ?? '') ?? [];
  await until(async () => (await temporalIds()).includes(temporalId));

  await stage.api.mutate('mirrorRuleUpdate', { id, paused: true }, 'mirrorRule { id }');
  await reconcile();
  const described = await stage.harness.client.schedule.getHandle(temporalId).describe();
  expect(described.state.paused).toBe(true);
  expect((await read(id)).nextRunAts).toEqual([]);

  // the last run may still be open
  await until(async () => {
    const { deletedId } = await stage.api.mutate('mirrorRuleDelete', { id }, 'deletedId');
    return deletedId === id;
  });
  await reconcile();
  await until(async () => !(await temporalIds()).includes(temporalId));
});
