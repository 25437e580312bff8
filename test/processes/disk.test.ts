/** The disk of the data folder is full, or cannot be written any more. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { addImage } from '../../src/demo/sample-image.ts';
import { startPostgres } from '../../src/embedded/postgres.ts';
import { until } from '../support/until.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';

const run = promisify(execFile);
const mib = 1024 * 1024;

/** A file system of its own; answers why not where none can be mounted. */
async function mountDisk(folder: string, sizeMib: number): Promise<string | undefined> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=755`, 'tmpfs', folder]);
    return undefined;
  } catch (error) {
    return `no file system can be mounted here (root on Linux is needed): ${String(error).split('\n')[1] ?? String(error)}`;
  }
}

interface SmallDisk {
  readonly fault: string;
  readonly sizeMib: number;
  readonly skip: (note: string) => void;
}

/** Skips, and says why, where no disk can be mounted. */
async function withDisk(
  { fault, sizeMib, skip }: SmallDisk,
  play: (disk: string) => Promise<void>,
): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), 'tidemark-disk-'));
  const reason = await mountDisk(disk, sizeMib);
  if (reason !== undefined) {
    console.log(`skipped: fault ${fault}: ${reason}`);
    await rm(disk, { recursive: true });
    skip(reason);
    return;
  }
  try {
    await play(disk);
  } finally {
    await run('umount', [disk]);
    await rm(disk, { recursive: true });
  }
}

/** Plays a scene whose data folder is a small disk. */
function withDataDisk(
  options: { readonly fault: string; readonly skip: (note: string) => void },
  play: (scene: Scene, disk: string) => Promise<void>,
): Promise<void> {
  return withDisk({ ...options, sizeMib: 6 }, async (disk) => {
    const scene = await openScene({ dataDir: disk });
    try {
      await play(scene, disk);
    } finally {
      await scene.close();
    }
  });
}

/** Takes all space but `leave` bytes. */
async function fill(disk: string, leave: number): Promise<{ free(): Promise<void> }> {
  const { bavail, bsize } = await statfs(disk);
  const filler = join(disk, 'filler');
  await writeFile(filler, Buffer.alloc(bavail * bsize - leave));
  return { free: () => rm(filler) };
}

test.concurrent('fault 109: a sync onto a full disk fails with STORAGE_FULL, and completes after there is space', ({
  skip,
}) =>
  withDataDisk({ fault: '109', skip }, async (scene, disk) => {
    const { stack, content, ids, upstream } = scene;
    await stack.launch('worker');
    expect(await stack.finish(await stack.start(ids))).toMatchObject({ state: 'COMPLETED' });
    const before = await stack.versions(ids.repositoryId);
    const filler = await fill(disk, mib);
    addImage(content, { seed: `${disk}-more`, layers: [1_500_000, 400_000], tag: 'more' });

    const failed = await stack.finish(await stack.start(ids));
    expect(failed).toMatchObject({ state: 'FAILED', errorCode: 'STORAGE_FULL', createdVersion: null });
    expect(failed.errorMessage).toMatch(/no space left.*Free space/);
    expect(failed.errorMessage).not.toContain(disk);
    expect(await stack.versions(ids.repositoryId)).toEqual(before);
    const stored = new Set(await stack.files('blobs/sha256'));
    upstream.requests.length = 0;
    await filler.free();

    expect(await stack.finish(await stack.start(ids))).toMatchObject({
      state: 'COMPLETED',
      createdVersion: 2,
    });
    const fetched = upstream.requests.flatMap(({ path }) => /\/blobs\/sha256:(\w+)/.exec(path)?.[1] ?? []);
    expect(fetched.filter((digest) => stored.has(digest))).toEqual([]);
    expect((await stack.versions(ids.repositoryId)).map(({ tags }) => tags)).toEqual([
      before[0]?.tags,
      Object.fromEntries(content.tags),
    ]);
  }));

test.concurrent('fault 113: on a disk that became read-only readiness says so, and queries go on', ({
  skip,
}) =>
  withDataDisk({ fault: '113', skip }, async (scene, disk) => {
    const { stack } = scene;
    const program = await stack.launch('serve');
    const apiUrl = /API ready on (http:\/\/[\w.:]+)/.exec(program.output())?.[1] ?? 'no URL';
    const status = async (path: string) => (await fetch(`${apiUrl}${path}`)).status;
    await stack.finish(await stack.start(scene.ids));
    expect(await status('/readyz')).toBe(200);
    await run('mount', ['-o', 'remount,ro', disk]);
    const answer = await fetch(`${apiUrl}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      status: 'failed',
      checks: { database: 'ok', blobStore: 'failed' },
    });
    expect(await status('/healthz')).toBe(200);
    const query = encodeURIComponent('{ repositories(first: 1) { nodes { latestVersion { number } } } }');
    const found = await fetch(`${apiUrl}/graphql?query=${query}`, {
      headers: { 'apollo-require-preflight': 'true' },
    });
    expect(await found.json()).toEqual({
      data: { repositories: { nodes: [{ latestVersion: { number: 1 } }] } },
    });
    await run('mount', ['-o', 'remount,rw', disk]);
    await until(async () => (await status('/readyz')) === 200);
    expect(await program.end('SIGTERM')).toBe(0);
  }));

test.concurrent('fault 109: where the disk of PostgreSQL is full a sync fails with STORAGE_FULL, and completes after there is space', ({
  skip,
}) =>
  withDisk({ fault: '109', sizeMib: 160, skip }, async (disk) => {
    const postgres = await startPostgres({ dataDir: disk, log: () => undefined });
    try {
      const scene = await openScene({ databaseUrl: postgres.url });
      try {
        const { stack, content, ids } = scene;
        const program = await stack.launch('serve');
        expect(await stack.finish(await stack.start(ids))).toMatchObject({ state: 'COMPLETED' });
        const before = await stack.versions(ids.repositoryId);
        for (let number = 0; number < 200; number += 1)
          addImage(content, { seed: `${disk}-${number}`, layers: [1_000], tag: `more-${number}` });
        const filler = await fill(disk, 0);

        const failed = await stack.finish(await stack.start(ids));
        expect(failed).toMatchObject({ state: 'FAILED', errorCode: 'STORAGE_FULL', createdVersion: null });
        expect(failed.errorMessage).toMatch(/database's disk has no space left.*sync again/);
        expect(await stack.versions(ids.repositoryId)).toEqual(before);
        const apiUrl = /API ready on (http:\/\/[\w.:]+)/.exec(program.output())?.[1] ?? 'no URL';
        expect((await fetch(`${apiUrl}/v2/`)).status).toBe(200);
        await filler.free();

        expect(await stack.finish(await stack.start(ids))).toMatchObject({
          state: 'COMPLETED',
          createdVersion: 2,
        });
      } finally {
        await scene.close();
      }
    } finally {
      await postgres.stop();
    }
  }));
