/** A sample repository behind an upstream that can be broken, one good sync of it, and the checks of a failed sync (docs/faults.md). */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Remote } from '../../../src/db/schema/remotes.ts';
import type { SyncArguments } from '../../../src/db/schema/tasks.ts';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { openFakeUpstream } from '../upstream/fake-upstream.ts';
import type { FakeUpstream, FakeUpstreamOptions } from '../upstream/fake-upstream.ts';
import { sampleAnswers } from '../upstream/sample-answers.ts';
import { startSyncHarness } from './sync-harness.ts';
import type { SyncHarness } from './sync-harness.ts';
import type { SyncHarnessOptions, SyncOutcome } from './harness-options.ts';

export const upstreamName = 'library/app';

export interface Scene {
  readonly harness: SyncHarness;
  readonly upstream: FakeUpstream;
  /** What the upstream serves where no route of a test says otherwise. */
  readonly repository: SampleRepository;
  readonly ids: { readonly repositoryId: number; readonly remoteId: number };
  /** Of the repository. */
  readonly name: string;
  /** Differs from scene to scene: what one has stored, another must fetch. */
  readonly seed: string;
  sync(wish?: Partial<SyncArguments>): Promise<SyncOutcome>;
}

export interface SceneOptions {
  readonly upstream?: FakeUpstreamOptions;
  /** One bad tag fails the sync (`FAIL_SYNC`), so that its error is seen, unless `tagRules` say otherwise. */
  readonly remote?: Partial<Remote>;
  /** Of the repository and its remote. Default: a random one. */
  readonly name?: string;
  /** Default: the tags `good` (an image) and `multi` (an index of two). */
  readonly repository?: SampleRepository;
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

let scenes = 0;

/** One harness for a test file, and scenes on it. */
export async function openStage(options: SyncHarnessOptions = {}) {
  const harness = await startSyncHarness(options);
  const upstreams: FakeUpstream[] = [];
  return {
    harness,
    async open(wish: SceneOptions = {}): Promise<Scene> {
      scenes += 1;
      const seed = `scene-${process.pid}-${scenes}`;
      const repository = wish.repository ?? goodRepository(seed);
      const upstream = await openFakeUpstream({ fallback: sampleAnswers(repository), ...wish.upstream });
      upstreams.push(upstream);
      const tagRules = { tagFailures: 'FAIL_SYNC' } as const;
      const ids = await harness.createRepository(
        {
          url: upstream.url,
          upstreamName,
          tagRules,
          ...wish.remote,
        },
        wish.name,
      );
      return {
        harness,
        upstream,
        repository,
        ids,
        name: ids.name,
        seed,
        sync: (args) => harness.sync(ids, args),
      };
    },
    /** A scene whose version 1 is there. */
    async openSynced(wish: SceneOptions = {}): Promise<Scene & { readonly before: VersionContent[] }> {
      const scene = await this.open(wish);
      const outcome = await scene.sync();
      expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
      scene.upstream.requests.length = 0;
      return { ...scene, before: await readVersions(harness, scene.ids.repositoryId) };
    },
    async close(): Promise<void> {
      await Promise.all(upstreams.map((upstream) => upstream.close()));
      await harness.close();
    },
  };
}

export function goodRepository(seed: string): SampleRepository {
  const repository = createSampleRepository();
  addImage(repository, { seed: `${seed}-good`, layers: [2000, 3000], tag: 'good' });
  const manifests = ['amd64', 'arm64'].map((architecture) =>
    addImage(repository, {
      seed: `${seed}-${architecture}`,
      layers: [1000],
      platform: { os: 'linux', architecture },
    }),
  );
  addIndex(repository, { manifests, tag: 'multi' });
  return repository;
}

/** Everything that a version is made of, verified: documents and blob files have the digests that they stand under. */
export interface VersionContent {
  readonly number: number;
  readonly counts: unknown;
  readonly tags: Record<string, string>;
  readonly manifests: readonly string[];
  readonly blobs: readonly string[];
}

/** All versions of a repository; each document and blob file is hashed again. */
export async function readVersions(harness: SyncHarness, repositoryId: number): Promise<VersionContent[]> {
  const versions = await sql<{ number: number; counts: unknown }>`
    select number, counts from repository_version where repository_id = ${repositoryId} order by number`.execute(
    kysely(harness.em()),
  );
  const read = await Promise.all(
    versions.rows.map(async ({ number, counts }) => ({
      number,
      counts,
      tags: Object.fromEntries(await harness.tags(repositoryId, number)),
      manifests: await harness.content(repositoryId, number, 'manifest'),
      blobs: await harness.content(repositoryId, number, 'blob'),
    })),
  );
  await verifyDocuments(harness, [...new Set(read.flatMap(({ manifests }) => manifests))]);
  await verifyBlobs(harness, [...new Set(read.flatMap(({ blobs }) => blobs))]);
  return read;
}

async function verifyDocuments(harness: SyncHarness, digests: readonly string[]): Promise<void> {
  const rows = await sql<{ digest: string; raw: Buffer }>`
    select digest, raw from manifest where digest = any(${digests}::text[]) and raw is not null`.execute(
    kysely(harness.em()),
  );
  expect(rows.rows.map(({ digest, raw }) => [digest, hashLike(digest, raw)])).toEqual(
    rows.rows.map(({ digest }) => [digest, digest]),
  );
  // the same bytes may be there as several types
  expect(new Set(rows.rows.map(({ digest }) => digest)).size).toBe(digests.length);
}

export async function verifyBlobs(harness: SyncHarness, digests: readonly string[]): Promise<void> {
  for (const digest of digests) {
    const [algorithm = '', hex = ''] = digest.split(':');
    const bytes = await readFile(join(harness.folder, 'blobs', algorithm, hex));
    expect(hashLike(digest, bytes)).toBe(digest);
  }
}

function hashLike(digest: string, bytes: Buffer): string {
  const algorithm = digest.split(':', 1)[0] ?? '';
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

export interface KeptFor {
  readonly code: string;
  /** What the message must say: values that came and that were expected. */
  readonly says?: readonly (string | RegExp)[];
  /** False where the error is about the whole and no single request. Default true. */
  readonly namesRequest?: boolean;
}

/** A failed sync (docs/faults.md): no new version, the ones before whole, the task FAILED with a stable code and a message fit for people. */
export async function expectKept(
  scene: Scene & { readonly before: readonly VersionContent[] },
  outcome: SyncOutcome,
  { code, says = [], namesRequest = true }: KeptFor,
): Promise<void> {
  const { harness, ids, upstream } = scene;
  expect(outcome.task).toMatchObject({ state: 'FAILED', errorCode: code, createdVersion: null });
  expect(await readVersions(harness, ids.repositoryId)).toEqual(scene.before);
  expect(outcome.latest).toBe(scene.before.length);
  const message = outcome.task.errorMessage ?? '';
  if (namesRequest) {
    expect(message).toMatch(/\b(?:GET|HEAD)\b/);
    expect(message).toContain(`${upstream.url}/v2/`);
  }
  for (const part of says) expect(message).toMatch(part);
  expect(message).toMatch(adviceWords);
  expectFitForPeople(message);
  expect(await stagedRows(harness, outcome.task.id)).toBe(0);
}

/** Requests that the upstream resets. One on a connection that was idle is sent on up to three others before it counts as a try. */
export function expectTries(requests: readonly unknown[], tries: number): void {
  expect(requests.length).toBeGreaterThanOrEqual(tries);
  expect(requests.length).toBeLessThanOrEqual(4 * tries);
}

const adviceWords =
  /\b(?:check|push|re-push|repair|give|sync again|again|leave|raise|ask|correct|wait|rebuild|set|confirmRemoval|allow)\b/i;

/** No stack, SQL, path of ours, or credentials in a URL. */
export function expectFitForPeople(message: string): void {
  expect(message).not.toMatch(/\n|\bat \S+:\d+:\d+|node_modules|\.ts\b|\/tmp\//);
  expect(message).not.toMatch(/\b(?:select|insert into|update \w+ set|sync_tag|tag_membership)\b/i);
  expect(message).not.toMatch(/:\/\/[^/\s]*@/);
  expect(message.length).toBeLessThan(1_000);
}

async function stagedRows(harness: SyncHarness, taskId: number): Promise<number> {
  const counted = await sql<{ count: number }>`
    select (select count(*) from sync_name where task_id = ${taskId}) + (select count(*) from sync_tag where task_id = ${taskId})
      + (select count(*) from sync_root where task_id = ${taskId}) + (select count(*) from sync_blob where task_id = ${taskId})
      + (select count(*) from sync_companion where task_id = ${taskId}) + (select count(*) from sync_asked where task_id = ${taskId})
      + (select count(*) from sync_signed where task_id = ${taskId}) + (select count(*) from sync_signature where task_id = ${taskId})
      + (select count(*) from sync_signer where task_id = ${taskId})
      as count`.execute(kysely(harness.em()));
  return counted.rows[0]?.count ?? -1;
}
