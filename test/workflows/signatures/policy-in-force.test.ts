/** The policy that is in force when a sync commits decides, whatever it was when the sync began; and a workflow without a task does nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { Repository } from '../../../src/db/schema/repositories.ts';
import type { Task } from '../../../src/db/schema/tasks.ts';
import { kysely } from '../../../src/db/sql.ts';
import { createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { openStage } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import { createCosignKey, signWithTag } from '../../support/signatures/real-signatures.ts';
import { answersWithReferrers, companionName } from '../../support/signatures/signed-sample.ts';
import { until } from '../../support/until.ts';
import { key, image, setPolicy } from '../../support/signatures/held-sync.ts';
import type { Wish } from '../../support/signatures/held-sync.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

interface Held {
  readonly scene: Scene;
  /** That a blob was asked for. */
  readonly reached: Promise<void>;
  readonly letGo: () => void;
}

/** A scene whose upstream holds back the first blob until `let go` is called. */
async function openHeld(repository: SampleRepository): Promise<Held> {
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

/** Changes the policy while the sync fetches: nothing is checked yet, and what the first step decided is decided. */
async function setWhileFetching({ scene, letGo }: Held, wish: Wish) {
  await setPolicy(scene, wish);
  letGo();
}

/** Changes the policy when the sync has checked its stage: the repository's row is held, so that its commit waits for the change. */
async function setAtCommit({ scene, letGo }: Held, task: Task, wish: Wish) {
  await scene.harness.em().transactional(async (em) => {
    await sql`select from repository where id = ${scene.ids.repositoryId} for no key update`.execute(
      kysely(em),
    );
    letGo();
    await until(async () => (await scene.harness.read(task.id)).task.stage === 'COMMITTING');
    await setPolicy(scene, wish, em);
  });
}

async function tagsOf({ harness, ids }: Scene): Promise<string[]> {
  const { latest } = await harness.em().findOneOrFail(Repository, { id: ids.repositoryId });
  return [...(await harness.tags(ids.repositoryId, latest)).keys()].sort();
}

describe('while a sync runs', () => {
  const stranger = createCosignKey();

  /** Three images: signed by the key, by a stranger's, by none. */
  async function openThree() {
    const repository = createSampleRepository();
    const signed = image(repository, 'signed');
    const foreign = image(repository, 'foreign');
    image(repository, 'unsigned');
    signWithTag(repository, { image: signed, key });
    signWithTag(repository, { image: foreign, key: stranger });
    return { held: await openHeld(repository), images: { signed, foreign } };
  }

  test.each<{
    name: string;
    when: 'while it fetches' | 'at its commit';
    before: readonly string[] | null;
    after: Wish;
    comes: readonly ('signed' | 'foreign' | 'unsigned')[];
  }>([
    {
      name: 'a policy is set',
      when: 'while it fetches',
      before: null,
      after: { keys: [key.pem] },
      comes: ['signed'],
    },
    {
      name: 'a policy is set',
      when: 'at its commit',
      before: null,
      after: { keys: [key.pem] },
      comes: ['signed'],
    },
    {
      name: 'a key is replaced',
      when: 'at its commit',
      before: [key.pem],
      after: { keys: [stranger.pem] },
      comes: ['foreign'],
    },
    {
      name: 'a key is added',
      when: 'at its commit',
      before: [stranger.pem],
      after: { keys: [stranger.pem, key.pem] },
      comes: ['foreign', 'signed'],
    },
    {
      name: 'another policy takes its place',
      when: 'at its commit',
      before: [stranger.pem],
      after: { keys: [key.pem], name: 'second' },
      comes: ['signed'],
    },
    {
      name: 'the policy is taken away',
      when: 'at its commit',
      before: [key.pem],
      after: { keys: null },
      comes: ['signed', 'foreign', 'unsigned'],
    },
  ])('$name $when, and that decides', async ({ when, before, after, comes }) => {
    const { held, images } = await openThree();
    const { scene, reached } = held;
    if (before !== null) await setPolicy(scene, { keys: before });
    const task = await scene.harness.start(scene.ids);
    await reached;
    if (when === 'at its commit') await setAtCommit(held, task, after);
    else await setWhileFetching(held, after);
    const outcome = await scene.harness.finish(task);
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
    const companions = comes.flatMap((tag) =>
      tag === 'unsigned' ? [] : [companionName(images[tag], '.sig')],
    );
    expect(await tagsOf(scene)).toEqual([...comes, ...companions].sort());
  });

  test('a policy that fails syncs is set at its commit, and nothing is changed', async () => {
    const { held } = await openThree();
    const task = await held.scene.harness.start(held.scene.ids);
    await held.reached;
    await setAtCommit(held, task, { keys: [key.pem], onFailure: 'FAIL_SYNC' });
    const outcome = await held.scene.harness.finish(task);
    expect(outcome.task).toMatchObject({ state: 'FAILED', errorCode: 'SIGNATURE_REQUIRED' });
    expect(outcome.latest).toBe(0);
  });
});
