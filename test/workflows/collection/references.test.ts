import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeFiles } from '../../../src/activities/upkeep/collect.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { findStoredManifest } from '../../../src/db/staging/find-manifests.ts';
import { storeManifests } from '../../../src/db/content/store-manifests.ts';
import { kysely } from '../../../src/db/sql.ts';
import { createBlobLocks } from '../../../src/db/content/blob-lock.ts';
import { addImage, createSampleRepository, moveTag, removeTag } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { parseManifest } from '../../../src/oci/manifest/manifest-parse.ts';
import { everything } from '../../../src/db/access/visibility.ts';
import type { Reuse } from '../../../src/db/staging/reuse.ts';
import { openStage, readVersions } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import { until } from '../../support/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const collect = (wish = {}) => stage.harness.upkeep('content.collect', wish);
const files = () => stage.harness.storedFiles();

async function count(table: 'manifest' | 'blob', digests: Iterable<string>): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*) as count from ${sql.table(table)} where digest = any(${[...digests]}::text[])`.execute(
    kysely(stage.harness.em()),
  );
  return found.rows[0]?.count ?? 0;
}

async function change(scene: Scene, values: Partial<Repository>): Promise<void> {
  await stage.harness.em().nativeUpdate(Repository, { id: scene.ids.repositoryId }, values);
}

/** Five versions: each adds an image under the one tag, beside a layer that all share. */
async function fiveVersions(): Promise<Scene> {
  const repository = createSampleRepository();
  addImage(repository, { seed: 'shared', layers: [1_000], tag: 'kept' });
  const scene = await stage.open({ repository });
  for (let number = 1; number <= 5; number += 1) {
    addImage(repository, { seed: `${scene.seed}-v${number}`, layers: [1_000 + number], tag: 'moving' });
    await scene.sync({ mirror: true });
  }
  return scene;
}

interface Loose {
  readonly repository: SampleRepository;
  readonly digest: Digest;
}

/** An image in the database that nothing holds. */
async function storeLoose(seed: string): Promise<Loose> {
  const repository = createSampleRepository();
  const { digest } = addImage(repository, { seed, layers: [500], tag: 'loose' });
  const document = repository.manifests.get(digest);
  if (document === undefined) throw new Error('the sample has no manifest');
  const parsed = parseManifest(document.bytes, document.mediaType);
  await storeManifests(stage.harness.em(), [{ document, parsed }]);
  return { repository, digest };
}

/** Of a caller who may read everything. */
const anything: Reuse = {
  visibility: everything,
  repositoryId: 0,
  origin: { remoteId: 0, url: '', upstreamName: '' },
};

const condemn = (digest: string, age: string) =>
  sql`update manifest set condemned_at = now() - ${age}::interval where digest = ${digest}`.execute(
    kysely(stage.harness.em()),
  );

test('fault 111: a new reference clears the mark of a manifest', async () => {
  const { digest, repository } = await storeLoose('relied');
  await condemn(digest, '2 days');
  expect(await findStoredManifest(stage.harness.em(), digest, anything)).toBeDefined();
  const marked = () =>
    sql<{ marked: boolean }>`
      select condemned_at is not null as marked from manifest where digest = ${digest}`
      .execute(kysely(stage.harness.em()))
      .then(({ rows }) => rows[0]?.marked);
  expect(await marked()).toBe(false);
  await condemn(digest, '2 days');
  const document = repository.manifests.get(digest);
  if (document === undefined) throw new Error('the sample has no manifest');
  await storeManifests(stage.harness.em(), [
    { document, parsed: parseManifest(document.bytes, document.mediaType) },
  ]);
  expect(await marked()).toBe(false);
});

test('fault 111: a clean-up waits for a reference that is being written', async () => {
  const { digest, repository } = await storeLoose('locked');
  const em = stage.harness.em();
  await em.transactional(async (transaction) => {
    await sql`select from manifest where digest = ${digest} for key share`.execute(kysely(transaction));
    expect(await collect()).toMatchObject({ state: 'COMPLETED' });
    expect(await count('manifest', [digest])).toBe(1);
  });
  await collect();
  expect(await count('manifest', [digest])).toBe(0);
  expect(await count('blob', repository.blobs.keys())).toBe(0);
});

test('one clean-up removes an index, its images and their blobs, and keeps a child with its own tag', async () => {
  const scene = await stage.openSynced();
  const { repository } = scene;
  const child = [...repository.manifests.values()].find(
    ({ bytes }) => bytes.includes('layers') && !bytes.includes(repository.tags.get('good') ?? ''),
  );
  if (child === undefined) throw new Error('the sample has no child');
  moveTag(repository, 'child', { digest: child.digest });
  await scene.sync();
  removeTag(repository, 'multi');
  await change(scene, { retainVersions: 1 });
  await scene.sync({ mirror: true });
  await collect();
  const [version] = await readVersions(stage.harness, scene.ids.repositoryId);
  expect(Object.keys(version?.tags ?? {}).sort()).toEqual(['child', 'good']);
  expect(await count('manifest', repository.manifests.keys())).toBe(version?.manifests.length);
  expect(await count('blob', repository.blobs.keys())).toBe(version?.blobs.length);
});

test('fault 111: a clean-up keeps the file of a locked digest, and of a digest that has a row again', async () => {
  const { harness } = stage;
  const bytes = Buffer.from(`stored ${Math.random()}`);
  const digest = digestBytes(bytes);
  await writeFile(join(harness.folder, 'blobs', 'sha256', digest.slice(7)), bytes);
  const blobLocks = createBlobLocks(harness.databaseUrl);
  const others = createBlobLocks(harness.databaseUrl);
  const deps = { database: harness.database, store: harness.store, blobLocks };
  const { signal } = new AbortController();
  try {
    await others.withLock(digest, signal, () => removeFiles(deps, [digest], signal));
    expect(await files()).toContain(digest.slice(7));
    const db = kysely(harness.em());
    await sql`insert into blob (digest) values (${digest})`.execute(db);
    await removeFiles(deps, [digest], signal);
    expect(await files()).toContain(digest.slice(7));
    await sql`delete from blob where digest = ${digest}`.execute(db);
    await removeFiles(deps, [digest], signal);
    expect(await files()).not.toContain(digest.slice(7));
  } finally {
    await blobLocks.close();
    await others.close();
  }
});

test('a clean-up waits for the lock on a version that is being copied', async () => {
  const scene = await fiveVersions();
  await change(scene, { retainVersions: 1 });
  const { repositoryId } = scene.ids;
  const em = stage.harness.em();
  let done = false;
  const collected = em.transactional(async (transaction) => {
    await sql`
      select from repository_version where repository_id = ${repositoryId} and number = 1 for key share`.execute(
      kysely(transaction),
    );
    const running = collect().then((task) => {
      done = true;
      return task;
    });
    await until(() => isWaitingForLock());
    expect(done).toBe(false);
    return { running };
  });
  expect((await (await collected).running).report).toMatchObject({ versions: 4 });
});

async function isWaitingForLock(): Promise<boolean> {
  const waiting = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
    kysely(stage.harness.em()),
  );
  return waiting.rows.length > 0;
}
