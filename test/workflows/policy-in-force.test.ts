/** The policy that is in force when a sync commits decides, whatever it was when the sync began; and a workflow without a task does nothing. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Repository, SignaturePolicy } from '../../src/db/entities.ts';
import type { SignatureFailure } from '../../src/db/entities.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { openStage } from '../faults/scene.ts';
import type { Scene, Stage } from '../faults/scene.ts';
import { createCosignKey, signWithTag } from '../support/real-signatures.ts';
import { answersWithReferrers, companionName } from '../support/signed-sample.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const key = createCosignKey();
let seeds = 0;

function image(repository: SampleRepository, tag: string): Descriptor {
  seeds += 1;
  return addImage(repository, { seed: `in-force-${process.pid}-${seeds}`, layers: [500], tag });
}

/** A scene whose upstream holds back the first blob until `let go` is called. */
async function openHeld(repository: SampleRepository) {
  const answers = answersWithReferrers(repository);
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: reached, resolve: tell } = Promise.withResolvers<void>();
  const scene = await stage.open({
    repository,
    upstream: {
      fallback: async (request, response) => {
        if (request.method === 'GET' && request.url?.includes('/blobs/') === true) {
          tell();
          await held;
        }
        if (typeof answers === 'function') await answers(request, response);
      },
    },
  });
  return { scene, reached, letGo };
}

async function setPolicy(
  scene: Scene,
  keys: readonly string[] | null,
  onFailure: SignatureFailure = 'SKIP_TAG',
) {
  const em = scene.harness.em();
  const repository = await em.findOneOrFail(Repository, { id: scene.ids.repositoryId });
  const known = await em.findOne(SignaturePolicy, { name: scene.seed });
  const policy = known ?? em.create(SignaturePolicy, { name: scene.seed, keys: keys ?? [], onFailure });
  if (known !== null && keys !== null) em.assign(known, { keys, revision: known.revision + 1 });
  await em.flush();
  repository.signaturePolicyId = keys === null ? null : policy.id;
  await em.flush();
}

async function tagsOf({ harness, ids }: Scene): Promise<string[]> {
  const { latest } = await harness.em().findOneOrFail(Repository, { id: ids.repositoryId });
  return [...(await harness.tags(ids.repositoryId, latest)).keys()].sort();
}

describe('while a sync runs', () => {
  const stranger = createCosignKey();
  test.each<{
    name: string;
    before: readonly string[] | null;
    after: readonly string[] | null;
    comes: readonly ('signed' | 'foreign' | 'unsigned')[];
  }>([
    { name: 'a policy is set', before: null, after: [key.pem], comes: ['signed'] },
    { name: 'a key is taken back', before: [key.pem], after: [stranger.pem], comes: ['foreign'] },
    { name: 'a key is added', before: [stranger.pem], after: [key.pem], comes: ['signed'] },
    {
      name: 'the policy is taken away',
      before: [key.pem],
      after: null,
      comes: ['signed', 'foreign', 'unsigned'],
    },
  ])('$name, and that decides', async ({ before, after, comes }) => {
    const repository = createSampleRepository();
    const signed = image(repository, 'signed');
    image(repository, 'unsigned');
    const foreign = image(repository, 'foreign');
    signWithTag(repository, { image: signed, key });
    signWithTag(repository, { image: foreign, key: stranger });
    const { scene, reached, letGo } = await openHeld(repository);
    if (before !== null) await setPolicy(scene, before);
    const task = await scene.harness.start(scene.ids);
    await reached;
    await setPolicy(scene, after);
    letGo();
    const outcome = await scene.harness.finish(task);
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
    const images = { signed, foreign };
    const companions = comes.flatMap((tag) =>
      tag === 'unsigned' ? [] : [companionName(images[tag], '.sig')],
    );
    expect(await tagsOf(scene)).toEqual([...comes, ...companions].sort());
  });

  test('a policy that fails syncs is set, and nothing is changed', async () => {
    const repository = createSampleRepository();
    image(repository, 'unsigned');
    const { scene, reached, letGo } = await openHeld(repository);
    const task = await scene.harness.start(scene.ids);
    await reached;
    await setPolicy(scene, [key.pem], 'FAIL_SYNC');
    letGo();
    const outcome = await scene.harness.finish(task);
    expect(outcome.task).toMatchObject({ state: 'FAILED', errorCode: 'SIGNATURE_REQUIRED' });
    expect(outcome.latest).toBe(0);
  });
});

async function resetToStart(workflowId: string): Promise<string> {
  const { client } = stage.harness;
  const handle = client.workflow.getHandle(workflowId);
  const { events = [] } = (await handle.fetchHistory()) as {
    events?: { eventType?: unknown; eventId?: unknown }[];
  };
  const begun = events.find(({ eventType }) => Number(eventType) === 6 || Number(eventType) === 7);
  const { runId } = await client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId: (await handle.describe()).runId },
    reason: 'by an operator',
    workflowTaskFinishEventId: begun?.eventId as never,
    requestId: randomUUID(),
  });
  return runId;
}

describe('a workflow that was reset after its task had ended', () => {
  test('asks the upstream nothing, ends at once, and holds up no sync', async () => {
    const repository = createSampleRepository();
    const signed = image(repository, 'signed');
    signWithTag(repository, { image: signed, key });
    const scene = await stage.open({ repository, upstream: { fallback: answersWithReferrers(repository) } });
    await setPolicy(scene, [key.pem]);
    const { task } = await scene.sync();
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    scene.upstream.requests.length = 0;
    const runId = await resetToStart(task.workflowId);
    const run = scene.harness.client.workflow.getHandle(task.workflowId, runId);
    await expect(run.result()).rejects.toMatchObject({
      cause: { cause: { type: 'TASK_NOT_RUNNING', nonRetryable: true } },
    });
    expect(scene.upstream.requests).toEqual([]);
    expect(await scene.harness.read(task.id)).toMatchObject({
      task: { state: 'COMPLETED', createdVersion: 1 },
    });
    image(repository, 'more');
    expect((await scene.sync()).task.state).toBe('COMPLETED');
  });
});
