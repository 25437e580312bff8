/** Layers that a sync left at the upstream, and that the first pull fetches: the policy ON_DEMAND. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { copyContent } from '../../src/db/versions/change-content.ts';
import { sql } from 'kysely';
import { kysely } from '../../src/db/sql.ts';
import { everything } from '../../src/db/access/visibility.ts';
import { readVersions } from '../support/sync/stage.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { pull } from '../support/api/pull.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { until } from '../support/until.ts';
import { gated, openBlob, openOnDemand, openUnsynced, pullBlob } from './scene.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());
afterEach(async () => {
  // a client may have all its bytes a moment before the blob is renamed
  await until(async () => (await stage.harness.partialFiles()).length === 0);
});

describe('a sync', () => {
  test('stores manifests and configs, leaves the layers, and counts as any other', async () => {
    const scene = await openUnsynced(stage);
    const { summary, counts, task } = await scene.sync();
    expect([scene.asked(scene.config), scene.asked(scene.small), scene.asked(scene.large)]).toEqual([
      1, 0, 0,
    ]);
    expect(
      await Promise.all([scene.config, scene.small, scene.large].map((digest) => scene.isStored(digest))),
    ).toEqual([true, false, false]);
    expect(summary?.present).toMatchObject({ blobs: 3, manifests: 1, tags: 1 });
    // its progress counts what it is about
    expect([task.blobsTotal, counts?.blobsDone]).toEqual([1, 1]);
  });

  test('with IMMEDIATE afterwards fetches the layers, though no tag differs, and makes no version', async () => {
    const scene = await openOnDemand(stage);
    await scene.harness.updateRemote(scene.ids.remoteId, { policy: 'IMMEDIATE' });
    const { task } = await scene.sync();
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect([scene.asked(scene.small), scene.asked(scene.large)]).toEqual([1, 1]);
    expect(await scene.isStored(scene.large)).toBe(true);
    await readVersions(scene.harness, scene.ids.repositoryId);
  });

  test('with ON_DEMAND afterwards keeps what is stored, and fetches nothing', async () => {
    const scene = await openUnsynced(stage, { policy: 'IMMEDIATE' });
    await scene.sync();
    await scene.harness.updateRemote(scene.ids.remoteId, { policy: 'ON_DEMAND' });
    scene.upstream.requests.length = 0;
    expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(scene.asked(scene.large)).toBe(0);
    expect(await scene.isStored(scene.large)).toBe(true);
  });

  test('that is a dry run says how little it would fetch, and remembers no remote', async () => {
    const scene = await openUnsynced(stage);
    const { task } = await scene.sync({ dryRun: true });
    expect(task.state).toBe('COMPLETED');
    const plan = await sql<{ blobs: number }>`
      select blobs_to_fetch as blobs from task_plan where task_id = ${task.id}`.execute(
      kysely(scene.harness.em()),
    );
    expect(plan.rows).toEqual([{ blobs: 1 }]);
    const sources = await sql`select from repository_source where remote_id = ${scene.ids.remoteId}`.execute(
      kysely(scene.harness.em()),
    );
    expect(sources.rows).toHaveLength(0);
  });
});

describe('a pull', () => {
  test('HEAD of a layer asks nobody; the first GET fetches it, the next one does not', async () => {
    const scene = await openOnDemand(stage);
    const head = await pull(api.url, { method: 'HEAD', path: scene.pathOf(scene.large) });
    const whole = scene.bytesOf(scene.large);
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': String(whole.length) } });
    expect(scene.asked(scene.large)).toBe(0);

    const first = await pullBlob(api, scene, scene.large);
    expect(first.status).toBe(200);
    expect(first.headers['docker-content-digest']).toBe(scene.large);
    expect(first.body.equals(whole)).toBe(true);
    await until(() => scene.isStored(scene.large));

    await scene.upstream.close();
    expect((await pullBlob(api, scene, scene.large)).body.equals(whole)).toBe(true);
    expect(scene.asked(scene.large)).toBe(1);
  });

  test('of 20 clients at once is one request at the upstream, and none waits for the end of it', async () => {
    const scene = await openOnDemand(stage);
    const whole = scene.bytesOf(scene.large);
    const gate = gated(whole, 1_000_000);
    scene.upstream.on(scene.routeOf(scene.large), gate.answer);
    const responses = await Promise.all(Array.from({ length: 20 }, () => openBlob(api, scene, scene.large)));
    const firstBytes = responses.map(
      (response) => new Promise((resolve) => response.once('data', (chunk: Buffer) => resolve(chunk.length))),
    );
    await Promise.all(firstBytes);
    gate.open();
    await Promise.all(responses.map((response) => new Promise((resolve) => response.once('end', resolve))));
    expect(scene.asked(scene.large)).toBe(1);
    await until(() => scene.isStored(scene.large));
  });

  test('by clients of two processes, and a sync beside them, is one request, too', async () => {
    const scene = await openOnDemand(stage);
    const other = await startHarnessApi(stage.harness);
    try {
      const gate = gated(scene.bytesOf(scene.large), 1_000);
      scene.upstream.on(scene.routeOf(scene.large), gate.answer);
      await scene.harness.updateRemote(scene.ids.remoteId, { policy: 'IMMEDIATE' });
      const first = pullBlob(api, scene, scene.large);
      await until(() => Promise.resolve(scene.asked(scene.large) === 1));
      const second = pullBlob(other, scene, scene.large);
      const synced = scene.sync();
      await until(() => Promise.resolve(scene.asked(scene.small) === 1));
      gate.open();
      const answers = await Promise.all([first, second]);
      expect(answers.map(({ body }) => body.equals(scene.bytesOf(scene.large)))).toEqual([true, true]);
      expect((await synced).task.state).toBe('COMPLETED');
      expect(scene.asked(scene.large)).toBe(1);
    } finally {
      await other.close();
    }
  });

  test('of a part is answered while the whole is fetched', async () => {
    const scene = await openOnDemand(stage);
    const whole = scene.bytesOf(scene.large);
    const answer = await pullBlob(api, scene, scene.large, { range: 'bytes=1000-1999' });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes 1000-1999/${whole.length}`);
    expect(answer.body.equals(whole.subarray(1000, 2000))).toBe(true);
    await until(() => scene.isStored(scene.large));
    expect(scene.asked(scene.large)).toBe(1);
  });

  test('a client that reads nothing holds up neither the others nor the store', async () => {
    const scene = await openOnDemand(stage);
    const idle = await openBlob(api, scene, scene.large);
    const { body } = await pullBlob(api, scene, scene.large);
    expect(body.equals(scene.bytesOf(scene.large))).toBe(true);
    await until(() => scene.isStored(scene.large));
    idle.destroy();
  });

  test('a blob that all clients have left is stored all the same', async () => {
    const scene = await openOnDemand(stage);
    const gate = gated(scene.bytesOf(scene.large), 1_000);
    scene.upstream.on(scene.routeOf(scene.large), gate.answer);
    const clients = await Promise.all([openBlob(api, scene, scene.large), openBlob(api, scene, scene.large)]);
    const gone = clients.map((client) => new Promise((resolve) => client.once('close', resolve)));
    for (const client of clients) client.destroy();
    await Promise.all(gone);
    gate.open();
    await until(() => scene.isStored(scene.large));
    expect(scene.asked(scene.large)).toBe(1);
  });

  test('a file that was lost is fetched again', async () => {
    const scene = await openOnDemand(stage);
    await pullBlob(api, scene, scene.small);
    await until(() => scene.isStored(scene.small));
    await rm(join(scene.harness.folder, 'blobs', ...scene.small.split(':')));
    const again = await pullBlob(api, scene, scene.small);
    expect(again.body.equals(scene.bytesOf(scene.small))).toBe(true);
    expect(scene.asked(scene.small)).toBe(2);
    await until(() => scene.isStored(scene.small));
  });

  test('of a copy in another repository finds the same remote; of a repository without it, nothing', async () => {
    const scene = await openOnDemand(stage);
    const copy = await scene.harness.createRepository({
      url: scene.upstream.url,
      upstreamName: 'library/other',
    });
    const path = `/v2/${copy.name}/blobs/${scene.large}`;
    expect((await pull(api.url, { path })).status).toBe(404);
    await copyContent(scene.harness.em(), {
      repositoryId: copy.repositoryId,
      source: { repositoryId: scene.ids.repositoryId, number: 1 },
      tags: ['v1'],
      usableRemotes: everything,
    });
    expect((await pull(api.url, { path })).body.equals(scene.bytesOf(scene.large))).toBe(true);
  });

  test('an image with layers that are not stored can be pushed to under another tag', async () => {
    const scene = await openOnDemand(stage);
    await sql`update repository set is_mirrored = false where id = ${scene.ids.repositoryId}`.execute(
      kysely(scene.harness.em()),
    );
    const document = scene.repository.manifests.get(scene.manifest.digest);
    const pushed = await pull(api.url, {
      method: 'PUT',
      path: `/v2/${scene.name}/manifests/pushed`,
      headers: { 'content-type': scene.manifest.mediaType },
      body: document?.bytes,
    });
    expect(pushed.status).toBe(201);
    expect(scene.asked(scene.large)).toBe(0);
  });
});
