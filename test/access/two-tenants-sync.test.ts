/** Syncs and pulls of one tenant that name what another one has: each way in, beside the same for what is stored nowhere. */
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Task } from '../../src/db/schema/tasks.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { createBlobLocks } from '../../src/db/content/blob-lock.ts';
import type { Role } from '../../src/db/access/roles.ts';
import { kysely } from '../../src/db/sql.ts';
import {
  addBlob,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { pull } from '../support/api/pull.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import { createSchedule } from '../support/sync/schedules.ts';
import type { RecordedRequest } from '../support/upstream/fake-upstream.ts';
import { upstreamName } from '../support/sync/stage.ts';
import { blank, makeNamed, startTenants } from './support/tenants.ts';
import type { Named, Place, Tenants } from './support/tenants.ts';

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

interface Row {
  readonly name: string;
  readonly remote?: Partial<Remote>;
  readonly pullThrough?: boolean;
  /** What the upstream of `a` serves; it never has what is named. */
  readonly plant: (repository: SampleRepository, named: Named) => void;
  /** What it answers besides. */
  readonly answer?: (place: Place, named: Named) => void;
  /** Synced before it is planted, and once more after. */
  readonly isSecond?: boolean;
  /** Nobody else has its manifest: what was read out of the config, which trust is decided by, is compared too. */
  readonly isOwnDocument?: boolean;
  readonly remoteOf?: (named: Named) => Partial<Remote>;
}

let places = 0;
/** Differs from place to place, as long each time: a tenant reuses what is its own. */
const ownSeed = () => `own-${String(places).padStart(3, '0')}`;

const imageOf = (named: Named, change: Record<string, unknown> = {}) => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: named.config,
  layers: [named.layer, named.large],
  ...change,
});

const rows: readonly Row[] = [
  {
    name: 'a child of an index',
    plant: (repository, { image }) => void addIndex(repository, { manifests: [image], tag: 'v1' }),
  },
  {
    name: 'an index below an index',
    plant: (repository, { index }) => void addIndex(repository, { manifests: [index], tag: 'v1' }),
  },
  {
    name: 'a digest that a filter names',
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
    remoteOf: ({ index }) => ({ includeTags: ['v1', index.digest] }),
  },
  {
    name: 'the config and layers of an image',
    plant: (repository, named) => void addManifest(repository, imageOf(named), mediaTypes.ociManifest, 'v1'),
  },
  {
    name: 'a layer with a false size',
    plant: (repository, named) =>
      void addManifest(
        repository,
        imageOf(named, { layers: [{ ...named.layer, size: 7 }] }),
        mediaTypes.ociManifest,
        'v1',
      ),
  },
  {
    name: 'a config that has addresses, and that the upstream need not have',
    isOwnDocument: true,
    plant: (repository, named) => {
      const config = { ...named.config, urls: ['http://127.0.0.1:9/config'] };
      const own = addBlob(repository, Buffer.from(ownSeed()), mediaTypes.ociLayer);
      void addManifest(repository, imageOf(named, { config, layers: [own] }), mediaTypes.ociManifest, 'v1');
    },
  },
  {
    name: 'layers of an image that is synced on demand',
    remote: { policy: 'ON_DEMAND' },
    plant: (repository, { layer, large }) =>
      void addImage(repository, { seed: ownSeed(), layers: [layer, large], tag: 'v1' }),
  },
  {
    name: 'a layer with a false size, on demand',
    remote: { policy: 'ON_DEMAND' },
    plant: (repository, { large }) =>
      void addImage(repository, { seed: ownSeed(), layers: [{ ...large, size: 7 }], tag: 'v1' }),
  },
  {
    name: 'layers of an image that is streamed',
    remote: { policy: 'STREAMED' },
    plant: (repository, { layer, large }) =>
      void addImage(repository, { seed: ownSeed(), layers: [layer, large], tag: 'v1' }),
  },
  {
    name: 'a child of an index that is pulled through',
    pullThrough: true,
    plant: (repository, { image }) => void addIndex(repository, { manifests: [image], tag: 'v1' }),
  },
  {
    name: 'a digest that is pulled through',
    pullThrough: true,
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
  },
  {
    name: 'layers of an image that is pulled through',
    pullThrough: true,
    plant: (repository, { config, layer, large }) =>
      void addManifest(
        repository,
        { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer, large] },
        mediaTypes.ociManifest,
        'v1',
      ),
  },
  {
    name: 'where a tag is said to have moved to',
    isSecond: true,
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
    answer: ({ upstream }, { index }) =>
      upstream.on(`HEAD /v2/${upstreamName}/manifests/v1`, {
        headers: {
          'content-type': index.mediaType,
          'docker-content-digest': index.digest,
          'content-length': String(index.size),
        },
      }),
  },
  {
    name: 'what is said to refer to an image',
    plant: (repository) => void addImage(repository, { seed: ownSeed(), layers: [100], tag: 'v1' }),
    answer: ({ upstream }, { image }) => {
      const { digest } = addImage(createSampleRepository(), { seed: ownSeed(), layers: [100] });
      upstream.on(
        `GET /v2/${upstreamName}/referrers/${digest}`,
        json(
          { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [image] },
          { 'content-type': mediaTypes.ociIndex },
        ),
      );
    },
  },
];

describe.each(rows)('$name', (row) => {
  let nowhere: Promise<unknown> | undefined;
  test.each([
    ['stored for another', stored],
    ['known to the remote of another', lazy],
  ])('that is %s is as one that is nowhere', async (_, named) => {
    const before = await tenants.othersState();
    const found = await attempt(row, named);
    nowhere ??= attempt(row, absent);
    expect(found).toEqual(await nowhere);
    expect(await tenants.othersState()).toEqual(before);
  });
});

/** Everything that the tenant `a` and its upstream see of it. */
async function attempt(row: Row, named: Named): Promise<unknown> {
  const { harness, a, api } = tenants;
  places += 1;
  const repository = createSampleRepository();
  row.plant(repository, named);
  const name = `a/place-${String(places).padStart(3, '0')}`;
  const place = await tenants.makePlace(name, repository, { ...row.remote, ...row.remoteOf?.(named) });
  const db = kysely(harness.em());
  if (row.pullThrough === true)
    await sql`update distribution set pull_through = true where base_path = ${name}`.execute(db);
  if (row.isSecond === true) await harness.sync(place.ids, {}, a.identity);
  row.answer?.(place, named);
  const synced = row.pullThrough === true ? undefined : await harness.sync(place.ids, {}, a.identity);
  const authorization = `Bearer ${a.token}`;
  const references = ['v1', named.index.digest, named.image.digest];
  const paths = [
    ...references.map((reference) => `manifests/${reference}`),
    ...[named.config, named.layer, named.large].map(({ digest }) => `blobs/${digest}`),
    `referrers/${named.index.digest}`,
  ];
  const pulled: unknown[] = [];
  for (const path of paths)
    for (const method of ['HEAD', 'GET']) {
      const answer = await pull(api.url, { method, path: `/v2/${name}/${path}`, headers: { authorization } });
      const { 'content-length': length, 'content-type': type } = answer.headers;
      pulled.push([method, path, answer.status, length, type, answer.body.toString('latin1')]);
    }
  const told = await api.graphql(
    `query ($name: String!) { repository(name: $name) { latestVersion { number
      contentSummary { present { blobs manifests tags } }
      blobs(first: 20) { nodes { digest sizeBytes mediaType isStored } }
      manifests(first: 20) { nodes { digest sizeBytes totalSizeBytes platform blobs { digest sizeBytes isStored } } } } } }`,
    { name },
    a.token,
  );
  const outcome = synced && {
    state: synced.task.state,
    errorCode: synced.task.errorCode,
    // of several that are missing, the first that is answered is named
    errorMessage: synced.task.errorMessage?.replace(/blobs\/sha256:\S+/, 'blobs/…'),
    totals: [synced.task.manifestsTotal, synced.task.blobsTotal, synced.task.bytesTotal],
    counts: synced.counts,
    summary: synced.summary,
    warnings: synced.warnings,
  };
  const known = await sql`
    select m.platform_read, m.platform from membership held join manifest m on m.id = held.content_id
    where held.repository_id = ${place.ids.repositoryId} and held.kind = 'manifest'`.execute(db);
  const requests = place.upstream.requests.map(
    ({ method, path, headers }) => `${method} ${path} ${headers.range ?? ''}`,
  );
  return sorted(
    blank(
      {
        outcome,
        pulled,
        known: row.isOwnDocument === true ? known.rows : [],
        told: JSON.parse(told.text) as unknown,
        requests,
      },
      named,
      place,
    ),
  );
}

function blobRequests({ upstream }: Place): readonly RecordedRequest[] {
  return upstream.requests.filter(({ path }) => path.includes('/blobs/'));
}

test('a worker that was not told of logins gives nothing to a sync of nobody knows whom', async () => {
  const { harness } = tenants;
  const repository = createSampleRepository();
  addIndex(repository, { manifests: [stored.image], tag: 'v1' });
  const place = await tenants.makePlace('a/untold', repository);
  await harness.stopWorker();
  await harness.restartWorker({ logins: undefined });
  try {
    for (const startedBy of [null, { kind: 'everybody' } as const]) {
      const { task, counts } = await harness.sync(place.ids, {}, startedBy);
      expect(task).toMatchObject({ state: 'FAILED', errorCode: 'CHILD_MISSING' });
      expect(counts?.blobsReused).toBe(0);
    }
  } finally {
    await harness.stopWorker();
    await harness.restartWorker();
  }
});

/** Lists in an order that does not depend on digests. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const parts = value.map((part) => JSON.stringify(sorted(part)));
    return parts.sort().map((part) => JSON.parse(part) as unknown);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, sorted(part)]));
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
