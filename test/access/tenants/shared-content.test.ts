/** Syncs and pulls of one tenant that name what another one has: each way in, beside the same for what is stored nowhere. */
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Task } from '../../../src/db/schema/tasks.ts';
import { createBlobLocks } from '../../../src/db/content/blob-lock.ts';
import type { Role } from '../../../src/db/access/roles.ts';
import { kysely } from '../../../src/db/sql.ts';
import { addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { createSchedule } from '../../support/sync/schedules.ts';
import type { RecordedRequest } from '../../support/upstream/fake-upstream.ts';
import { upstreamName } from '../../support/sync/stage.ts';
import { blank, makeNamed, startTenants } from '../support/tenants.ts';
import type { Named, Place, Tenants } from '../support/tenants.ts';

let tenants: Tenants;
/** Of the same length, so that nothing but digests differs. */
const stored = makeNamed('secret-stored');
const lazy = makeNamed('secret-by-now');
const unseen = makeNamed('secret-later0');
const absent = makeNamed('secret-absent');

beforeAll(async () => {
  tenants = await startTenants();
  const { harness, b } = tenants;
  const whole = await tenants.makePlace('b/secret', stored.repository);
  expect((await harness.sync(whole.ids, {}, b.identity)).task.state).toBe('COMPLETED');
  const second = await tenants.makePlace('b/later', unseen.repository);
  expect((await harness.sync(second.ids, {}, b.identity)).task.state).toBe('COMPLETED');
  const named = await tenants.makePlace('b/lazy', lazy.repository, { policy: 'ON_DEMAND' });
  expect((await harness.sync(named.ids, {}, b.identity)).task.state).toBe('COMPLETED');
});
afterAll(() => tenants?.close());

function blobRequests({ upstream }: Place): readonly RecordedRequest[] {
  return upstream.requests.filter(({ path }) => path.includes('/blobs/'));
}

let alone = 0;
/** A tenant of names of its own, that have nothing yet. */
async function makeAlone(grants: readonly { role: Role; scope: string }[] = []) {
  alone += 1;
  const scope = `alone-${alone}`;
  const tenant = await tenants.makeTenant([{ role: 'maintainer', scope: `${scope}/*` }, ...grants]);
  return { ...tenant, scope };
}

describe('content that the tenant’s upstream has', () => {
  test('is fetched though another has it stored, counted as if it were stored nowhere, and spares this remote the next download', async () => {
    const { harness } = tenants;
    const a = await makeAlone();
    const before = await tenants.othersState();
    const place = await tenants.makePlace(`${a.scope}/genuine`, stored.repository);
    const first = await harness.sync(place.ids, {}, a.identity);
    expect(first.task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
    expect(first.counts).toMatchObject({ blobsDone: 3, blobsReused: 0, manifestsDone: 2 });
    expect(blobRequests(place)).toHaveLength(3);
    expect(await tenants.othersState()).toEqual(before);
    expect(await harness.partialFiles()).toEqual([]);

    place.upstream.requests.length = 0;
    const other = await harness.createRepository(
      { url: place.upstream.url, upstreamName: 'library/none' },
      `${a.scope}/genuine-too`,
    );
    const again = await harness.sync({ ...other, remoteId: place.ids.remoteId }, {}, a.identity);
    expect(again.counts).toMatchObject({ blobsDone: 3, blobsReused: 3 });
    expect(blobRequests(place)).toEqual([]);
  });

  test('is not fetched for who may read it elsewhere, at the time of each sync', async () => {
    const { harness } = tenants;
    const both = await makeAlone([{ role: 'reader', scope: 'b/secret' }]);
    const place = await tenants.makePlace(`${both.scope}/reader`, stored.repository);
    const spared = await harness.sync(place.ids, {}, both.identity);
    expect(spared.counts).toMatchObject({ blobsDone: 3, blobsReused: 3 });
    expect(blobRequests(place)).toEqual([]);

    const former = await makeAlone([{ role: 'reader', scope: 'b/secret' }]);
    const tokenId = former.identity.kind === 'token' ? former.identity.id : 0;
    await sql`delete from access_grant where token_id = ${tokenId} and scope = 'b/secret'`.execute(
      kysely(harness.em()),
    );
    const later = await tenants.makePlace(`${former.scope}/reader`, stored.repository);
    const fetched = await harness.sync(later.ids, {}, former.identity);
    expect(fetched.counts).toMatchObject({ blobsDone: 3, blobsReused: 0 });
    expect(blobRequests(later)).toHaveLength(3);
  });

  test('and is named by scheduled runs: each reads anew what its maker may read', async () => {
    const { harness } = tenants;
    const maker = await makeAlone([{ role: 'reader', scope: 'b/*' }]);
    const repository = createSampleRepository();
    const place = await tenants.makePlace(`${maker.scope}/scheduled`, repository);
    const schedule = await createSchedule(harness, place.ids, { madeBy: maker.identity });
    const before = await tenants.othersState();
    /** What a run brings whose upstream names an image, and has nothing of it. */
    const runNaming = async (named: Named) => {
      repository.tags.clear();
      addIndex(repository, { manifests: [named.image], tag: 'v1' });
      place.upstream.requests.length = 0;
      await schedule.run();
      const [run] = await schedule.runs();
      const made = await harness.em().findOneOrFail(Task, { id: run?.taskId ?? 0 });
      const { task, counts, warnings, latest } = await harness.finish(made);
      const { state, errorCode, errorMessage, manifestsTotal, blobsTotal, bytesTotal } = task;
      const totals = [manifestsTotal, blobsTotal, bytesTotal];
      const requests = place.upstream.requests.map(({ method, path }) => `${method} ${path}`).sort();
      const told = { state, errorCode, errorMessage, totals, counts, warnings, latest, requests };
      return blank(told, named, place);
    };
    try {
      expect(await runNaming(stored)).toMatchObject({
        state: 'COMPLETED',
        latest: 1,
        counts: { blobsReused: 3 },
      });
      const tokenId = maker.identity.kind === 'token' ? maker.identity.id : 0;
      await sql`delete from access_grant where token_id = ${tokenId} and scope = 'b/*'`.execute(
        kysely(harness.em()),
      );
      // a run after a completed sync begins with a look: both are compared after a failed one
      expect(await runNaming(makeNamed('secret-before'))).toMatchObject({ state: 'FAILED', latest: 1 });
      const named = await runNaming(unseen);
      expect(named).toMatchObject({ state: 'FAILED', latest: 1 });
      expect(named).toEqual(await runNaming(absent));
    } finally {
      await schedule.delete();
    }
    expect(await tenants.othersState()).toEqual(before);
  });

  test('waits for nobody else’s download, and goes on from nobody else’s bytes', async () => {
    const { harness } = tenants;
    const a = await makeAlone();
    const place = await tenants.makePlace(`${a.scope}/locked`, stored.repository);
    const others = createBlobLocks(harness.databaseUrl);
    try {
      const held = await others.takeFree([stored.large.digest, stored.layer.digest]);
      const done = await harness.sync(place.ids, {}, a.identity);
      expect(done.task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
      await held.release();
    } finally {
      await others.close();
    }
    expect(blobRequests(place).map(({ headers }) => headers.range)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('is fetched once more where the remote was given another upstream', async () => {
    const { harness, api } = tenants;
    const a = await makeAlone();
    const place = await tenants.makePlace(`${a.scope}/first-upstream`, stored.repository);
    await harness.sync(place.ids, {}, a.identity);
    const next = await tenants.makePlace(`${a.scope}/next-upstream`, stored.repository);
    const id = Buffer.from(`Remote:${place.ids.remoteId}`).toString('base64url');
    const { text } = await api.graphql(
      `mutation { remoteUpdate(input: { id: "${id}", url: "${next.upstream.url}" }) { userErrors { code } } }`,
      {},
      a.token,
    );
    expect(JSON.parse(text)).toMatchObject({ data: { remoteUpdate: { userErrors: [] } } });
    // of who may read nothing: what the remote has delivered is all that could spare it
    const nobody = { kind: 'anonymous' } as const;
    const fetched = await harness.sync({ ...next.ids, remoteId: place.ids.remoteId }, {}, nobody);
    expect(fetched.counts).toMatchObject({ blobsDone: 3, blobsReused: 0 });
    expect(blobRequests(next)).toHaveLength(3);
  });

  test('and was fetched by a sync that failed, is not fetched again by the next', async () => {
    const { harness } = tenants;
    const a = await makeAlone();
    const named = makeNamed('a-fresh-image');
    const place = await tenants.makePlace(`${a.scope}/failing`, named.repository);
    const route = `GET /v2/${upstreamName}/blobs/${named.large.digest}`;
    place.upstream.on(route, { status: 404 });
    expect((await harness.sync(place.ids, {}, a.identity)).task.state).toBe('FAILED');
    place.upstream.on(route, (_, response) => {
      response.end(named.repository.blobs.get(named.large.digest));
    });
    place.upstream.requests.length = 0;
    const next = await harness.sync(place.ids, {}, a.identity);
    expect(next.task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
    expect(blobRequests(place).map(({ path }) => path)).toEqual([route.slice('GET '.length)]);
  });
});
