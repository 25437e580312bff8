/** The policy that is in force when a sync commits decides, whatever it was when the sync began; and a workflow without a task does nothing. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { kysely } from '../../../src/db/sql.ts';
import { createSampleRepository } from '../../../src/demo/sample-image.ts';
import { openStage } from '../../support/sync/stage.ts';
import type { Stage } from '../../support/sync/stage.ts';
import { signWithTag } from '../../support/signatures/real-signatures.ts';
import { answersWithReferrers } from '../../support/signatures/signed-sample.ts';
import { key, image, setPolicy } from '../../support/signatures/held-sync.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

interface HistoryEvent {
  readonly eventId?: unknown;
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityType?: { readonly name?: string };
    readonly workflowTaskCompletedEventId?: unknown;
  };
}

/** Where each activity was scheduled: the end of the workflow task that a reset does again. */
async function readSteps(workflowId: string, runId: string): Promise<Map<string, unknown>> {
  const { events = [] } = (await stage.harness.client.workflow
    .getHandle(workflowId, runId)
    .fetchHistory()) as { events?: HistoryEvent[] };
  return new Map(
    events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled?.activityType?.name === undefined
        ? []
        : [[scheduled.activityType.name, scheduled.workflowTaskCompletedEventId] as const],
    ),
  );
}

async function resetTo(workflow: { workflowId: string; runId: string }, eventId: unknown): Promise<string> {
  const { runId } = await stage.harness.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: workflow,
    reason: 'by an operator',
    workflowTaskFinishEventId: eventId as never,
    requestId: randomUUID(),
  });
  return runId;
}

/** The code of what failed a workflow: of an activity, or of a local one. */
function typeOf(error: unknown): unknown {
  const { cause } = error as { cause?: { type?: unknown; cause?: { type?: unknown } } };
  return cause?.cause?.type ?? cause?.type;
}

describe('a workflow that was reset after its task had ended', () => {
  // the steps of a mirror that asks for a manifest by digest are activities of their own
  test('asks nothing, checks nothing, ends at once at whatever step it is reset to, and holds up no sync', async () => {
    const repository = createSampleRepository();
    const signed = image(repository, 'signed');
    signWithTag(repository, { image: signed, key });
    const scene = await stage.open({
      repository,
      upstream: { fallback: answersWithReferrers(repository) },
      remote: { includeTags: ['signed', signed.digest] },
    });
    await setPolicy(scene, { keys: [key.pem] });
    const { task } = await scene.sync({ mirror: true });
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    const { client } = scene.harness;
    const { runId: first } = await client.workflow.getHandle(task.workflowId).describe();
    const steps = await readSteps(task.workflowId, first);
    expect([...steps.keys()]).toEqual(
      expect.arrayContaining([
        'beginSync',
        'walkTags',
        'fetchDigests',
        'findRemovals',
        'fetchBlobs',
        'verifySelected',
      ]),
    );
    scene.upstream.requests.length = 0;
    const db = kysely(scene.harness.em());
    await sql`delete from signature_verdict`.execute(db);
    const ended: [string, unknown][] = [];
    for (const [step, eventId] of steps) {
      const runId = await resetTo({ workflowId: task.workflowId, runId: first }, eventId);
      const run = client.workflow.getHandle(task.workflowId, runId);
      ended.push([step, await run.result().then(() => 'it went on to its end', typeOf)]);
    }
    expect(ended).toEqual([...steps.keys()].map((step) => [step, 'TASK_NOT_RUNNING']));
    expect(scene.upstream.requests).toEqual([]);
    expect((await sql`select from signature_verdict`.execute(db)).rows).toHaveLength(0);
    expect(await scene.harness.read(task.id)).toMatchObject({
      task: { state: 'COMPLETED', createdVersion: 1 },
    });
    image(repository, 'more');
    await scene.harness.updateRemote(scene.ids.remoteId, { includeTags: null });
    expect((await scene.sync()).task.state).toBe('COMPLETED');
  });
});
