/** The disk of the data folder is full, or cannot be written any more. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { addImage } from '../../src/demo/sample-image.ts';
import { until } from '../support/until.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';

const run = promisify(execFile);
const mib = 1024 * 1024;

/** A file system of its own, of 6 MiB; answers why not where none can be mounted. */
async function mountDisk(folder: string): Promise<string | undefined> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=755', 'tmpfs', folder]);
    return undefined;
  } catch (error) {
    return `no file system can be mounted here (root on Linux is needed): ${String(error).split('\n')[1] ?? String(error)}`;
  }
}

/** Plays a scene whose data folder is a disk of its own; skips, and says why, where none can be mounted. */
async function withDisk(
  fault: string,
  skip: (note: string) => void,
  play: (scene: Scene, disk: string) => Promise<void>,
): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), 'tidemark-disk-'));
  const reason = await mountDisk(disk);
  if (reason !== undefined) {
    console.log(`skipped: fault ${fault}: ${reason}`);
    await rm(disk, { recursive: true });
    skip(reason);
    return;
  }
  const scene = await openScene({ dataDir: disk });
  try {
    await play(scene, disk);
  } finally {
    await scene.close();
    await run('umount', [disk]);
    await rm(disk, { recursive: true });
  }
}

test.concurrent('fault 109: a sync onto a full disk fails with STORAGE_FULL, and completes after there is space', ({
  skip,
}) =>
  withDisk('109', skip, async (scene, disk) => {
    const { stack, content, ids, upstream } = scene;
    await stack.launch('worker');
    expect(await stack.finish(await stack.start(ids))).toMatchObject({ state: 'COMPLETED' });
    const before = await stack.versions(ids.repositoryId);
    const { bavail, bsize } = await statfs(disk);
    const filler = join(disk, 'filler');
    await writeFile(filler, Buffer.alloc(bavail * bsize - mib));
    addImage(content, { seed: `${disk}-more`, layers: [1_500_000, 400_000], tag: 'more' });

    const failed = await stack.finish(await stack.start(ids));
    expect(failed).toMatchObject({ state: 'FAILED', errorCode: 'STORAGE_FULL', createdVersion: null });
    expect(failed.errorMessage).toMatch(/no space left.*Free space/);
    expect(failed.errorMessage).not.toContain(disk);
    expect(await stack.versions(ids.repositoryId)).toEqual(before);
    const stored = new Set(await stack.files('blobs/sha256'));
    upstream.requests.length = 0;
    await rm(filler);

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
  withDisk('113', skip, async (scene, disk) => {
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
