/** `vanishing-client.ts <database URL>` holds a blob lock, a transaction and a running statement, prints `held`, and stays. */
import { sql } from 'kysely';
import { createBlobLocks } from '../../../src/db/content/blob-lock.ts';
import { openDatabase } from '../../../src/db/open-database.ts';
import { kysely } from '../../../src/db/sql.ts';

const [, , url = ''] = process.argv;
const forever = new Promise<never>(() => undefined);
const database = await openDatabase({ url });
void createBlobLocks(url).withLock('sha256:held', new AbortController().signal, async () => {
  await database.em.fork().transactional(async (em) => {
    await sql`select pg_advisory_xact_lock(1)`.execute(kysely(em));
    void sql`select pg_sleep(600)`.execute(kysely(database.em.fork()));
    process.stdout.write('held\n');
    await forever;
  });
});
setInterval(() => undefined, 60_000);
