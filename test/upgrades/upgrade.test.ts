/**
 * Databases of released versions: migrated to this one, they have the same tables as a new one, and serve what they served. From its release on,
 * a migration never changes. `npm run record-release` writes the folder of the version in package.json, before it is released.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import { openUploadFolder } from '../../src/content/folder/upload-folder.ts';
import { checkSchema, migrateDatabase, openDatabase } from '../../src/db/open-database.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { createEmptyDatabase, createTestDatabase } from '../support/servers/servers.ts';
import { dumpSchema } from './dump-database.ts';
import { recordRelease } from './record-release.ts';
import { listReleases, readChecksums, readRelease } from './release.ts';
import type { Release } from './release.ts';
import { getSha256, pushSample } from './served.ts';

const query = `{
  repositories(first: 10) { nodes { name latestVersion { number } versions(first: 10) { nodes { number } } } }
  remotes(first: 10) { nodes { name url upstreamName } }
  schedules(first: 10) { nodes { cron note paused } }
  credentials(first: 10) { nodes { name kind username } }
  mirrorRules(first: 10) { nodes { name url cron } }
  distributions(first: 10) { nodes { basePath } }
  signaturePolicies(first: 10) { nodes { name } }
  tokens(first: 10) { nodes { name } }
  tasks(first: 10) { nodes { state } }
}`;

if ((process.env['RECORD_RELEASE'] ?? '') !== '') await recordRelease(query);

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe.each(await listReleases())('from %s', (version) => {
  let release: Release;
  let folder: string;
  let api: ApiUnderTest;
  beforeAll(async () => {
    release = await readRelease(version);
    const testDatabase = await createEmptyDatabase();
    await withClient(testDatabase.url, (client) => client.query(release.database));
    const database = await openDatabase({ url: testDatabase.url, poolSize: 2 });
    await migrateDatabase(database);
    await checkSchema(database);
    await database.close();
    folder = await mkdtemp(join(tmpdir(), 'tidemark-upgrade-'));
    const blobs = await openFolderStore({ root: folder, fsync: false });
    for (const [digest, text] of Object.entries(release.blobs))
      await storeBlob(blobs, digest as Digest, Buffer.from(text, 'base64'));
    const uploads = await openUploadFolder({ root: folder, blobs, fsync: false });
    api = await startApi({ testDatabase, blobs, uploads });
  });
  afterAll(async () => {
    await api?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('its migrations have not changed', async () => {
    expect(await readChecksums(), 'a released migration never changes: add a new one').toMatchObject(
      release.migrations,
    );
  });

  test('the tables are those of a new database', async () => {
    const fresh = await createTestDatabase();
    const expected = await withClient(fresh.url, dumpSchema);
    await fresh.drop();
    expect(sortColumns(await withClient(api.databaseUrl, dumpSchema))).toBe(sortColumns(expected));
  });

  test('everything is listed and served as before', async () => {
    expect(await api.data(query)).toEqual(release.answer);
    for (const [path, digest] of Object.entries(release.pulls))
      expect(await getSha256(api.url + path), path).toBe(digest);
  });

  test('a push makes the next version', async () => {
    await pushSample(api.url, 'team/app', 'v2');
    const [row] = await api.sql("select latest from repository where name = 'team/app'");
    expect(row).toEqual({ latest: 2 });
  });
});

async function storeBlob(
  store: Awaited<ReturnType<typeof openFolderStore>>,
  digest: Digest,
  bytes: Buffer,
): Promise<void> {
  const descriptor = { digest, size: bytes.byteLength, mediaType: 'application/octet-stream' };
  await store.push(descriptor, {
    fetch: (_, { offset = 0 } = {}) => Promise.resolve({ offset, bytes: chunks(bytes.subarray(offset)) }),
  });
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A column that a later migration adds is the last one of its table. */
function sortColumns(schema: string): string {
  return schema.replaceAll(
    /\(\n([^;]*)\n\);/g,
    (_, lines: string) => `(\n${lines.split(',\n').sort().join(',\n')}\n);`,
  );
}
