import { describe, expect, test } from 'vitest';
import { createRateMeter, renderProgress } from '../../src/cli/progress/progress-bar.ts';
import type { ProgressView } from '../../src/cli/progress/progress-bar.ts';
import type { TaskProgress } from '../../src/cli/progress/task-queries.ts';

const nothingYet: TaskProgress = {
  stage: 'PREPARING',
  tagsTotal: null,
  tagsDone: 0,
  manifestsTotal: null,
  manifestsDone: 0,
  blobsTotal: null,
  blobsDone: 0,
  blobsReused: 0,
  bytesTotal: null,
  bytesDone: 0,
  bytesReused: 0,
  signaturesDone: 0,
  throttledUntil: null,
  waitsFor: null,
  waitsUntil: null,
};
const halfWay: TaskProgress = {
  ...nothingYet,
  stage: 'FETCHING_BLOBS',
  tagsTotal: 6,
  tagsDone: 6,
  manifestsTotal: 9,
  manifestsDone: 9,
  blobsTotal: 20,
  blobsDone: 11,
  bytesTotal: 20 * 1024 * 1024,
  bytesDone: 10 * 1024 * 1024,
};
const view = (progress: TaskProgress, more: Partial<ProgressView> = {}): ProgressView => ({
  progress,
  bytesPerSecond: undefined,
  elapsedMs: 0,
  ...more,
});

describe('the progress line', () => {
  test.each<[string, number, ProgressView, string]>([
    [
      'half way, narrow',
      40,
      view(halfWay, { bytesPerSecond: 1024 * 1024 }),
      'Blobs ████████░░░░░░░░░  50 %  0:10 left',
    ],
    [
      'half way',
      80,
      view(halfWay, { bytesPerSecond: 1024 * 1024 }),
      'Blobs        █████████░░░░░░░░░  50 %  tags 6/6  10.0 MiB of 20.0 MiB  0:10 left',
    ],
    [
      'half way, wide',
      120,
      view(halfWay, { bytesPerSecond: 1024 * 1024 }),
      'Blobs        █████████░░░░░░░░░░  50 %  tags 6/6  manifests 9/9  blobs 11/20  10.0 MiB of 20.0 MiB  1.0 MiB/s  0:10 left',
    ],
    [
      'no total known',
      80,
      view({ ...nothingYet, stage: 'LISTING_TAGS', tagsDone: 1200 }, { elapsedMs: 300 }),
      'Listing tags ░░░███░░░░░░░░░░░░░░░░░░░░░░░░  tags 1,200  manifests 0',
    ],
    [
      'done',
      40,
      view({ ...halfWay, stage: 'FINISHED', bytesDone: 20 * 1024 * 1024 }, { elapsedMs: 61_000 }),
      'Done ███████████████████████ 100 %  1:01',
    ],
    [
      'nothing to fetch',
      40,
      view({ ...halfWay, bytesTotal: 0, bytesDone: 0 }),
      'Blobs ████████████████ 100 %  0 B of 0 B',
    ],
    [
      'waiting for a window that opens in more than a week',
      60,
      view({ ...nothingYet, waitsFor: 'SYNC_WINDOW' }),
      'Preparing    ███░░░░░░░░░  waits for its sync window  tags 0',
    ],
  ])('%s, %i columns', (_name, width, shown, line) => {
    const rendered = renderProgress(shown, width);
    expect(rendered).toBe(line);
  });

  test('is never longer than the terminal, whatever its width', () => {
    for (let width = 1; width <= 200; width += 1)
      for (const progress of [nothingYet, halfWay])
        expect(
          renderProgress(view(progress, { bytesPerSecond: 5e9, elapsedMs: width * 100 }), width).length,
        ).toBeLessThanOrEqual(width);
  });
});

test('the rate is that of the latest seconds, and unknown at first', () => {
  const meter = createRateMeter();
  expect(meter.add(0, 0)).toBeUndefined();
  expect(meter.add(1_000, 1_000)).toBe(1_000);
  for (let second = 2; second <= 20; second += 1) meter.add(1_000, second * 1_000);
  expect(meter.add(1_000, 21_000)).toBe(0);
});
