/** Layers that a sync left at the upstream, and that the first pull fetches: the policy ON_DEMAND. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { Remote } from '../../src/db/schema/remotes.ts';
import { kysely } from '../../src/db/sql.ts';
import { expectFitForPeople } from '../support/sync/stage.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { pull } from '../support/api/pull.ts';
import { blob, reset, truncated } from '../support/upstream/fake-upstream.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { until } from '../support/until.ts';
import {
  damaged,
  gated,
  largeBytes,
  openBlob,
  openOnDemand,
  openUnsynced,
  outcome,
  pullBlob,
} from './scene.ts';
import { testSecret } from '../support/test-secret.ts';

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

describe('when the upstream is at fault', () => {
  test('wrong bytes break the transfer off or are refused, and are not stored; the next pull has the right ones', async () => {
    const scene = await openOnDemand(stage);
    const route = scene.routeOf(scene.large);
    scene.upstream.on(route, damaged(scene.bytesOf(scene.large)));
    // whoever has not begun to read when that is found out is told why, by 503
    for (const headers of [{}, { range: 'bytes=0-9999' }]) {
      const got = await outcome(pullBlob(api, scene, scene.large, headers));
      expect(got === 'broken' || got.status === 503).toBe(true);
    }
    expect(await scene.isNowhere(scene.large)).toBe(true);
    await until(async () => (await scene.harness.partialFiles()).length === 0);

    scene.upstream.on(route, blob(scene.bytesOf(scene.large)));
    const { status, body } = await pullBlob(api, scene, scene.large);
    expect([status, body]).toEqual([200, scene.bytesOf(scene.large)]);
    await until(() => scene.isStored(scene.large));
  });

  test('of a length that is not the manifest’s not a byte is sent', async () => {
    const scene = await openOnDemand(stage);
    scene.upstream.on(scene.routeOf(scene.large), blob(scene.bytesOf(scene.large).subarray(1)));
    const answer = await pullBlob(api, scene, scene.large);
    expect(answer.status).toBe(503);
    expect(answer.body.toString()).toMatch(
      new RegExp(`announces ${scene.bytesOf(scene.large).length - 1} bytes`),
    );
  });

  test('a body that breaks off is resumed, and the clients notice nothing', async () => {
    const scene = await openOnDemand(stage);
    const whole = scene.bytesOf(scene.large);
    scene.upstream.on(scene.routeOf(scene.large), truncated({ body: whole }, 1_000_000), blob(whole));
    const [one, two] = await Promise.all([
      pullBlob(api, scene, scene.large),
      pullBlob(api, scene, scene.large),
    ]);
    expect([one.body.equals(whole), two.body.equals(whole)]).toEqual([true, true]);
    const ranges = scene.upstream.requestsOf(scene.routeOf(scene.large)).map(({ headers }) => headers.range);
    expect(ranges.at(-1)).toMatch(/^bytes=\d+-$/);
    await until(() => scene.isStored(scene.large));
  });

  test('a client is cut off if the upstream restarts the blob; the stored blob is right', async () => {
    const scene = await openOnDemand(stage);
    const whole = scene.bytesOf(scene.large);
    const noRanges = { body: whole, headers: { 'content-length': String(whole.length) } };
    scene.upstream.on(scene.routeOf(scene.large), truncated({ body: whole }, 1_000_000), noRanges);
    const answer = await outcome(pullBlob(api, scene, scene.large));
    expect(answer === 'broken' || answer.body.equals(whole)).toBe(true);
    await until(() => scene.isStored(scene.large));
    expect((await pullBlob(api, scene, scene.large)).body.equals(whole)).toBe(true);
  });

  test('away: 503 with the reason and no secret for what is not stored; all else is served', async () => {
    const scene = await openOnDemand(stage, { username: 'robot', maxRetries: 0 });
    const em = scene.harness.em();
    const passwordSealed = scene.harness.secrets.encrypt(
      testSecret('on-demand'),
      `remote:${scene.ids.remoteId}:password`,
    );
    await em.nativeUpdate(Remote, { id: scene.ids.remoteId }, { passwordSealed });
    await scene.upstream.close();
    const answer = await pullBlob(api, scene, scene.large);
    expect(answer.status).toBe(503);
    const { errors } = JSON.parse(answer.body.toString()) as { errors: { code: string; message: string }[] };
    expect(errors[0]).toMatchObject({ code: 'UNAVAILABLE' });
    const message = errors[0]?.message ?? '';
    expect(message).toContain(scene.upstream.url);
    expect(message).not.toContain(testSecret('on-demand'));
    expectFitForPeople(message);
    expect((await pull(api.url, { path: `/v2/${scene.name}/manifests/v1` })).status).toBe(200);
    expect((await pullBlob(api, scene, scene.config)).status).toBe(200);
    expect((await pull(api.url, { method: 'HEAD', path: scene.pathOf(scene.large) })).status).toBe(200);
    expect(await scene.harness.partialFiles()).toEqual([]);
  });

  test('another remote of the repository that has the blob stands in; nobody else’s does', async () => {
    const scene = await openOnDemand(stage, { maxRetries: 0 });
    const twin = await stage.open({ repository: scene.repository, remote: { policy: 'ON_DEMAND' } });
    await twin.sync();
    scene.upstream.on(scene.routeOf(scene.large), { status: 404 });
    expect((await pullBlob(api, scene, scene.large)).status).toBe(503);
    expect(twin.upstream.requestsOf(scene.routeOf(scene.large))).toEqual([]);
    await scene.harness.sync({ ...scene.ids, remoteId: twin.ids.remoteId });
    await scene.upstream.close();
    expect((await pullBlob(api, scene, scene.large)).body.length).toBe(scene.bytesOf(scene.large).length);
    await until(() => scene.isStored(scene.large));
  });

  test('a stop in the middle keeps what came, and the next start asks for the rest', async () => {
    const scene = await openOnDemand(stage);
    const whole = scene.bytesOf(scene.large);
    const stopping = await startHarnessApi(stage.harness);
    scene.upstream.on(scene.routeOf(scene.large), gated(whole, 1_000_000).answer, blob(whole));
    const client = await openBlob(stopping, scene, scene.large);
    const ended = new Promise((resolve) => client.once('close', () => resolve(client.complete)));
    let got = 0;
    client.on('data', (chunk: Buffer) => (got += chunk.length));
    await until(() => Promise.resolve(got >= 500_000));
    await stopping.close();
    expect(await ended).toBe(false);
    expect(await stage.harness.partialFiles()).toHaveLength(1);
    expect((await pullBlob(api, scene, scene.large)).body.equals(whole)).toBe(true);
    const [, second] = scene.upstream.requestsOf(scene.routeOf(scene.large));
    expect(second?.headers.range).toMatch(/^bytes=\d+-$/);
    await until(() => scene.isStored(scene.large));
  });

  test('an answer that never comes ends in the remote’s own time', async () => {
    const scene = await openOnDemand(stage, { maxRetries: 0 });
    // not before the sync, which a busy machine may answer more slowly
    await scene.harness.updateRemote(scene.ids.remoteId, { sockReadTimeout: 0.2, updatedAt: new Date() });
    scene.upstream.on(scene.routeOf(scene.large), () => undefined);
    expect((await pullBlob(api, scene, scene.large)).status).toBe(503);
    scene.upstream.on(scene.routeOf(scene.large), reset);
    expect((await pullBlob(api, scene, scene.large)).status).toBe(503);
  });
});

test('a remote is not deleted while it alone has blobs that are not stored', async () => {
  const scene = await openOnDemand(stage);
  await sql`update repository set remote_id = null where id = ${scene.ids.repositoryId}`.execute(
    kysely(scene.harness.em()),
  );
  const id = Buffer.from(`Remote:${scene.ids.remoteId}`).toString('base64url');
  const remove = () =>
    api.graphql(
      'mutation ($input: RemoteDeleteInput!) { remoteDelete(input: $input) { deletedId userErrors { code message } } }',
      {
        input: { id },
      },
    );
  expect((await remove()).text).toMatch(/IN_USE.*2 blobs/);
  for (const digest of [scene.small, scene.large]) {
    await pullBlob(api, scene, digest);
    await until(() => scene.isStored(digest));
  }
  expect((await remove()).text).toMatch(/"userErrors":\[\]/);
});

test(`the large layer has more than ${largeBytes} bytes`, async () => {
  const scene = await openUnsynced(stage);
  expect(scene.bytesOf(scene.large).length).toBeGreaterThan(largeBytes);
});
