/** A worker is SIGKILLed in the middle of a clean-up; the next one finishes it, and nothing that is in use is touched. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import { createUpkeepTask } from '../../src/db/upkeep-tasks.ts';
import { until } from '../support/until.ts';
import { openScene } from './scene.ts';

const dead = 3_000;

test('fault 111: killed in the middle of a clean-up', { timeout: 180_000 }, async () => {
  const scene = await openScene({ settings: { TIDEMARK_GC_GRACE: '0s' } });
  const { stack } = scene;
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
    await until(async () => ((await stack.read(task)).report?.['blobs'] ?? 0) > 0);
    await first.end('SIGKILL');
    expect(Number((await stack.read(task)).report?.['blobs'])).toBeLessThan(dead);
    await stack.launch('worker');
    const done = await stack.finish(task);
    expect(done).toMatchObject({ state: 'COMPLETED', report: { blobs: dead } });
    expect((await stack.files('blobs/sha256')).sort()).toEqual(
      [...scene.content.blobs.keys()].map((digest) => digest.slice('sha256:'.length)).sort(),
    );
    await scene.expectWhole();
  } finally {
    await scene.close();
  }
});
