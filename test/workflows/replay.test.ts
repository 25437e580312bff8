/**
 * Recorded histories, replayed with today's workflow code: a worker of this version goes on with what an older one has begun.
 * A failure here means: keep the old path with `patched()`, or, before anything is released, record anew with
 * `RECORD_HISTORIES=1 npm test -- test/workflows/replay.test.ts`.
 */
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import '../support/sync/sync-harness.ts';
import { parseHistory, recordHistories } from './record-histories.ts';

const folder = fileURLToPath(new URL('histories', import.meta.url));
const kinds = [
  'first-sync',
  'no-change',
  'dry-run',
  'mirror',
  'digests',
  'several-ranges',
  'failed',
  'cancelled',
  'waited',
  'scheduled',
  'scheduled-skipped',
  'collection',
  'collection-dry-run',
  'verification',
  'webhooks',
];

const record = (process.env['RECORD_HISTORIES'] ?? '') !== '';
if (record) beforeAll(() => recordHistories(folder), 120_000);

const readRecorded = (name: string) => readFile(join(folder, `${name}.json`), 'utf8');

async function replay(text: string): Promise<void> {
  const workflowBundle = { codePath: inject('workflowBundle') };
  await Worker.runReplayHistory({ workflowBundle }, parseHistory(text), 'sync/1');
}

describe('fault 99: a workflow that an older release began goes on in this one', () => {
  test.each(kinds)('%s', async (name) => {
    await replay(await readRecorded(name));
  });

  test('every kind is recorded, short, and holds nothing of the machine that did it', async () => {
    const files = await readdir(folder);
    expect(files.map((file) => basename(file, '.json')).sort()).toEqual([...kinds].sort());
    for (const file of files) {
      const text = await readFile(join(folder, file), 'utf8');
      expect(text.split('\n').length).toBeLessThan(300);
      expect(/\d+@\w|\.js:|\/(?:tmp|home|root|work)\//.exec(text)?.[0], file).toBeUndefined();
    }
  });

  test('a story in another order would be found out', async () => {
    const history = await readRecorded('first-sync');
    const other = history.replaceAll('"beginSync"', '"somethingElse"');
    expect(other).not.toBe(history);
    await expect(replay(other)).rejects.toThrow(DeterminismViolationError);
  });
});
