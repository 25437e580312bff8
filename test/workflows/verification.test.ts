import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyContent } from '../../src/activities/upkeep/verify.ts';
import type { VerifyPosition } from '../../src/activities/upkeep/verify.ts';
import { createBlobLocks } from '../../src/db/content/blob-lock.ts';
import { kysely } from '../../src/db/sql.ts';
import { openStage, readVersions } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { until } from '../support/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const verify = () => stage.harness.upkeep('content.verify');
const pathOf = (digest: string) =>
  join(stage.harness.folder, 'blobs', 'sha256', digest.slice('sha256:'.length));

async function storedOf(digests: Iterable<string>): Promise<Map<string, boolean>> {
  const found = await sql<{ digest: string; stored: boolean }>`
    select digest, stored_at is not null as stored from blob where digest = any(${[...digests]}::text[])`.execute(
    kysely(stage.harness.em()),
  );
  return new Map(found.rows.map(({ digest, stored }) => [digest, stored]));
}

test('fault 84: what is missing, short or changed is found, marked and removed, and the next sync repairs it', async () => {
  const scene = await stage.openSynced();
  const { repository, before } = scene;
  const digests = [...repository.blobs.keys()];
  expect(await verify()).toMatchObject({
    state: 'COMPLETED',
    report: { blobs: digests.length, manifests: repository.manifests.size },
  });
  const [missing = '', short = '', changed = ''] = digests;
  await rm(pathOf(missing));
  await truncate(pathOf(short), 10);
  const bytes = await readFile(pathOf(changed));
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await writeFile(pathOf(changed), bytes);
  const [manifest = ''] = repository.manifests.keys();
  await sql`update manifest set raw = overlay(raw placing 'x' from 1) where digest = ${manifest}`.execute(
    kysely(stage.harness.em()),
  );

  const task = await verify();
  expect(task).toMatchObject({ state: 'COMPLETED', report: { missing: 1, damaged: 2, damagedManifests: 1 } });
  const stored = await storedOf(digests);
  expect(
    [...stored]
      .filter(([, isStored]) => !isStored)
      .map(([digest]) => digest)
      .sort(),
  ).toEqual([missing, short, changed].sort());
  const names = await stage.harness.storedFiles();
  for (const digest of [missing, short, changed]) expect(names).not.toContain(digest.slice(7));

  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(await readVersions(stage.harness, scene.ids.repositoryId)).toEqual(before);
  const report = (await verify()).report ?? {};
  expect(report['missing'] ?? report['damaged'] ?? report['damagedManifests']).toBeUndefined();
});

test('fault 110: at a start, a worker looks whether what was stored last is there', async () => {
  const scene = await stage.openSynced();
  const [gone = '', short = '', ...others] = scene.repository.blobs.keys();
  await stage.harness.stopWorker();
  await rm(pathOf(gone));
  await truncate(pathOf(short), 3);
  await stage.harness.restartWorker();
  await until(async () => ![...(await storedOf([gone, short])).values()].includes(true));
  expect([...(await storedOf(others)).values()]).not.toContain(false);
  await scene.sync();
  expect(await readVersions(stage.harness, scene.ids.repositoryId)).toEqual(scene.before);
});

test('it goes on where an attempt was cut off', async () => {
  const scene = await stage.openSynced();
  const { harness } = stage;
  const ids = await sql<{ id: number; digest: string }>`
    select id, digest from blob where digest = any(${[...scene.repository.blobs.keys()]}::text[]) order by id`.execute(
    kysely(harness.em()),
  );
  const [first, second] = ids.rows;
  if (first === undefined || second === undefined) throw new Error('the sample has too few blobs');
  await rm(pathOf(first.digest));
  await rm(pathOf(second.digest));
  const blobLocks = createBlobLocks(harness.databaseUrl);
  const logger = pino({ level: 'silent' });
  const deps = { database: harness.database, store: harness.store, blobLocks, logger };
  const positions: VerifyPosition[] = [];
  try {
    const from = { afterManifest: Number.MAX_SAFE_INTEGER, afterBlob: first.id };
    const onPage = (position: VerifyPosition) => positions.push(position);
    await verifyContent(deps, { taskId: 0, from, onPage }, new AbortController().signal);
  } finally {
    await blobLocks.close();
  }
  expect(positions.at(-1)?.afterBlob).toBeGreaterThanOrEqual(second.id);
  const stored = await storedOf([first.digest, second.digest]);
  expect([stored.get(first.digest), stored.get(second.digest)]).toEqual([true, false]);
});
