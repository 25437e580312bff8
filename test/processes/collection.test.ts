/** A worker is SIGKILLed in the middle of a clean-up; the next one finishes it, and nothing that is in use is touched. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import { createUpkeepTask } from '../../src/db/tasks/upkeep-tasks.ts';
import { until } from '../support/until.ts';
import { openScene } from './scene.ts';
import type { Stack } from './stack.ts';

const dead = 3_000;
/** The run meets a lock when its report says so many: after some pages, and before the last. */
const heldFrom = 1_000;

test('fault 111: killed in the middle of a clean-up', async () => {
  const scene = await openScene({ settings: { TIDEMARK_GC_GRACE: '0s' } });
  const { stack } = scene;
  const operator = new pg.Client({ connectionString: stack.databaseUrl });
  try {
    const first = await stack.launch('worker');
    expect(await stack.finish(await stack.start(scene.ids))).toMatchObject({ state: 'COMPLETED' });
    const folder = join(stack.dataDir, 'blobs', 'sha256');
    await mkdir(folder, { recursive: true });
    const digests = Array.from({ length: dead }, (_, number) => {
      const text = `dead ${number}`;
      return { text, hex: createHash('sha256').update(text).digest('hex') };
    });
    for (const { text, hex } of digests) await writeFile(join(folder, hex), text);
    await sql`
      insert into blob (digest, size_bytes, stored_at) select 'sha256:' || hex, 6, now()
      from unnest(${digests.map(({ hex }) => hex)}::text[]) as v(hex)`.execute(kysely(stack.em()));

    await operator.connect();
    await operator.query(`
      select pg_advisory_lock(1);
      create function hold() returns trigger language plpgsql as $$ begin
        if (new.report->>'blobs')::int >= ${heldFrom} then perform pg_advisory_xact_lock(1); end if;
        return new;
      end $$;
      create trigger held before update on task for each row execute function hold()`);
    const workflowId = `collect-${stack.settings.TIDEMARK_TASK_QUEUE}`;
    const { task } = await createUpkeepTask(stack.em(), {
      name: 'content.collect',
      arguments: { dryRun: false },
      workflowId,
    });
    await stack.workflows.startSync({
      taskId: task.id,
      workflowId,
      repositoryName: '',
      taskName: task.name,
    });
    await until(() => somethingWaits(stack));
    await first.end('SIGKILL');
    await operator.query('select pg_advisory_unlock(1)');
    const report = Number((await stack.read(task)).report?.['blobs']);
    expect([report > 0, report < heldFrom]).toEqual([true, true]);
    await stack.launch('worker');
    const done = await stack.finish(task);
    expect(done).toMatchObject({ state: 'COMPLETED', report: { blobs: dead } });
    expect((await stack.files('blobs/sha256')).sort()).toEqual(
      [...scene.content.blobs.keys()].map((digest) => digest.slice('sha256:'.length)).sort(),
    );
    await scene.expectWhole();
  } finally {
    await operator.end();
    await scene.close();
  }
});

async function somethingWaits(stack: Stack): Promise<boolean> {
  const waiting = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
    kysely(stack.em()),
  );
  return waiting.rows.length > 0;
}
