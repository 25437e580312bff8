/** The disk of the data folder is full, or cannot be written any more. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createOwnDistribution } from '../../src/db/distributions/distributions.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import { addImage } from '../../src/demo/sample-image.ts';
import { startPostgres } from '../../src/embedded/postgres.ts';
import { fillDisk, mountMemoryDisk, remountDisk, unmountDisk } from '../support/servers/small-disk.ts';
import { until } from '../support/until.ts';
import type { Program } from '../support/program/program.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';

const mib = 1024 * 1024;

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
  const reason = await mountMemoryDisk(disk, sizeMib);
  if (reason !== undefined) {
    console.log(`skipped: fault ${fault}: ${reason}`);
    await rm(disk, { recursive: true });
    skip(reason);
    return;
  }
  try {
    await play(disk);
  } finally {
    await unmountDisk(disk);
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

/** Pulls the repository as it was when this was called; the returned function does so again, over `/v2/`. */
async function openPulls({ stack, ids, content }: Scene, program: Program): Promise<() => Promise<void>> {
  const em = stack.em();
  const repository = await em.findOneOrFail(Repository, { id: ids.repositoryId });
  await createOwnDistribution(em, repository);
  const url = `${program.apiUrl()}/v2/${repository.name}`;
  const expected = new Map<string, Buffer>();
  for (const [tag, digest] of content.tags)
    expected.set(`manifests/${tag}`, Buffer.from(content.manifests.get(digest)?.bytes ?? []));
  for (const [digest, bytes] of content.blobs) expected.set(`blobs/${digest}`, Buffer.from(bytes));
  const pull = async () => {
    for (const [path, bytes] of expected) {
      const answer = await fetch(`${url}/${path}`);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes), path).toBe(true);
    }
  };
  await pull();
  return pull;
}

test.concurrent('fault 109: a sync onto a full disk fails with STORAGE_FULL, and completes after there is space', ({
  skip,
}) =>
  withDataDisk({ fault: '109', skip }, async (scene, disk) => {
    const { stack, content, ids, upstream } = scene;
    const program = await stack.launch('serve');
    expect(await stack.finish(await stack.start(ids))).toMatchObject({ state: 'COMPLETED' });
    const pull = await openPulls(scene, program);
    const before = await stack.versions(ids.repositoryId);
    const filler = await fillDisk(disk, mib);
    addImage(content, { seed: `${disk}-more`, layers: [1_500_000, 400_000], tag: 'more' });

    const failed = await stack.finish(await stack.start(ids));
    expect(failed).toMatchObject({ state: 'FAILED', errorCode: 'STORAGE_FULL', createdVersion: null });
    expect(failed.errorMessage).toMatch(/no space left.*Free space/);
    expect(failed.errorMessage).not.toContain(disk);
    await pull();
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

test.concurrent('fault 113: on a read-only disk readiness fails, and pulls and queries continue', ({
  skip,
}) =>
  withDataDisk({ fault: '113', skip }, async (scene, disk) => {
    const { stack } = scene;
    const program = await stack.launch('serve');
    const apiUrl = program.apiUrl();
    const status = async (path: string) => (await fetch(`${apiUrl}${path}`)).status;
    await stack.finish(await stack.start(scene.ids));
    const pull = await openPulls(scene, program);
    expect(await status('/readyz')).toBe(200);
    await remountDisk(disk, 'ro');
    const answer = await fetch(`${apiUrl}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      status: 'failed',
      checks: { database: 'ok', blobStore: 'failed' },
    });
    expect(await status('/healthz')).toBe(200);
    await pull();
    const query = encodeURIComponent('{ repositories(first: 1) { nodes { latestVersion { number } } } }');
    const found = await fetch(`${apiUrl}/graphql?query=${query}`, {
      headers: { 'apollo-require-preflight': 'true' },
    });
    expect(await found.json()).toEqual({
      data: { repositories: { nodes: [{ latestVersion: { number: 1 } }] } },
      extensions: { cost: expect.anything() },
    });
    await remountDisk(disk, 'rw');
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
        const pull = await openPulls(scene, program);
        const before = await stack.versions(ids.repositoryId);
        for (let number = 0; number < 300; number += 1)
          addImage(content, { seed: `${disk}-${number}`, layers: [1_000], tag: `more-${number}` });
        // enough to create the task, and too little for its content
        const filler = await fillDisk(disk, 96 * 1024);
        try {
          const failed = await stack.finish(await stack.start(ids));
          expect(failed).toMatchObject({ state: 'FAILED', errorCode: 'STORAGE_FULL', createdVersion: null });
          expect(failed.errorMessage).toMatch(/database's disk has no space left.*sync again/);
          expect(await stack.versions(ids.repositoryId)).toEqual(before);
          await pull();
        } finally {
          // PostgreSQL cannot stop without space
          await filler.free();
        }

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
