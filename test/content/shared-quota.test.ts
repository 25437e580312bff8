/** Processes on one folder and one database share the account of its quota. Each has its own store here. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import { openUploadFolder } from '../../src/content/folder/upload-folder.ts';
import { kysely } from '../../src/db/sql.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { shareQuota } from '../../src/processes/share-quota.ts';
import { useTestDatabase } from '../support/servers/test-database.ts';

const quotaBytes = 20_000;
const full = { code: 'STORAGE_QUOTA' };
const database = useTestDatabase();
let root: string;
let stops: (() => Promise<void>)[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-shared-quota-'));
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await rm(root, { recursive: true, force: true });
});

async function openProcess() {
  const store = await openFolderStore({ root, quotaBytes, fsync: false });
  if (store.quota === undefined) throw new Error('The store has no quota.');
  const sharing = shareQuota(database, store.quota, pino({ level: 'silent' }));
  stops.push(() => sharing.stop());
  await sharing.share();
  return {
    store,
    uploads: await openUploadFolder({ root, blobs: store, fsync: false }),
    share: () => sharing.share(),
  };
}

/** A blob, and its row as a sync or push would write it. */
async function push(
  { store }: Pick<Awaited<ReturnType<typeof openProcess>>, 'store'>,
  fill: number,
  size: number,
) {
  const bytes = Buffer.alloc(size, fill);
  const descriptor = { digest: digestBytes(bytes), size, mediaType: 'x/y' };
  const one = async function* () {
    await Promise.resolve();
    yield bytes;
  };
  await store.push(descriptor, { fetch: () => Promise.resolve({ offset: 0, bytes: one() }) });
  await sql`insert into blob (digest, size_bytes, stored_at) values (${descriptor.digest}, ${size}, now())`.execute(
    kysely(database.em.fork()),
  );
  return descriptor;
}

test('fault 53: what one process stores and frees counts for the other', async () => {
  const [first, second] = [await openProcess(), await openProcess()];
  const stored = await push(first, 1, 15_000);
  await second.share();
  await expect(push(second, 2, 6_000)).rejects.toMatchObject(full);
  await push(second, 3, 5_000);
  await first.share();
  await expect(push(first, 4, 1)).rejects.toMatchObject(full);

  await first.store.delete(stored);
  await sql`update blob set stored_at = null where digest = ${stored.digest}`.execute(
    kysely(database.em.fork()),
  );
  await second.share();
  await push(second, 5, 10_000);
});

test('fault 53: an upload that runs in one process is reserved for the other, until the process is gone', async () => {
  await sql`delete from blob`.execute(kysely(database.em.fork()));
  const [first, second] = [await openProcess(), await openProcess()];
  const id = randomUUID();
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const slow = async function* () {
    yield Buffer.alloc(12_000, 1);
    begin();
    await held;
  };
  await first.uploads.create(id);
  const appended = first.uploads.append(id, slow());
  await begun;
  await first.share();
  await second.share();
  await expect(push(second, 6, 9_000)).rejects.toMatchObject(full);
  await sql`update storage_reservation set seen_at = now() - interval '2 minutes'`.execute(
    kysely(database.em.fork()),
  );
  await second.share();
  await push(second, 7, 9_000);
  letGo();
  await appended;
});
