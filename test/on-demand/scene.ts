/** One image with a small and a large layer, synced with a policy, and the API that serves it. */
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { Repository } from '../../src/db/schema/repositories.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { kysely } from '../../src/db/sql.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { pull } from '../support/api/pull.ts';
import type { PullAnswer } from '../support/api/pull.ts';
import { upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';
import { blob } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';

export const largeBytes = 3_000_000;

export interface OnDemandScene extends Scene {
  readonly name: string;
  readonly manifest: Descriptor;
  readonly config: Digest;
  readonly small: Digest;
  readonly large: Digest;
  bytesOf(digest: Digest): Buffer;
  /** Where clients get a blob, of an API's url. */
  pathOf(digest: Digest): string;
  /** Requests for a blob that reached the upstream. */
  asked(digest: Digest): number;
  /** The route of a blob at the upstream, to play something there. */
  routeOf(digest: Digest): string;
  /** In the folder, and marked in the database. */
  isStored(digest: Digest): Promise<boolean>;
  /** In neither of the two. */
  isNowhere(digest: Digest): Promise<boolean>;
}

let scenes = 0;

function routeOf(digest: Digest): string {
  return `GET /v2/${upstreamName}/blobs/${digest}`;
}

/** Nothing is synced yet. */
export async function openUnsynced(stage: Stage, remote: Partial<Remote> = {}): Promise<OnDemandScene> {
  scenes += 1;
  const repository = createSampleRepository();
  const manifest = addImage(repository, {
    seed: `on-demand-${process.pid}-${scenes}`,
    layers: [2_000, largeBytes],
    tag: 'v1',
  });
  const scene = await stage.open({ repository, remote: { policy: 'ON_DEMAND', ...remote } });
  const [config, small, large] = blobsOf(repository, manifest);
  const { harness, upstream, ids } = scene;
  const { name } = await harness.em().findOneOrFail(Repository, { id: ids.repositoryId });
  const bytesOf = (digest: Digest) => repository.blobs.get(digest) ?? Buffer.alloc(0);
  const places = async (digest: Digest) => {
    const found = await sql`select from blob where digest = ${digest} and stored_at is not null`.execute(
      kysely(harness.em()),
    );
    return [found.rows.length > 0, await harness.store.exists({ digest, size: bytesOf(digest).length })];
  };
  return {
    ...scene,
    name,
    manifest,
    config,
    small,
    large,
    bytesOf,
    pathOf: (digest) => `/v2/${name}/blobs/${digest}`,
    asked: (digest) => upstream.requestsOf(routeOf(digest)).length,
    routeOf,
    isStored: async (digest) => (await places(digest)).every(Boolean),
    isNowhere: async (digest) => !(await places(digest)).some(Boolean),
  };
}

/** Version 1 is there, of manifests and configs. */
export async function openOnDemand(stage: Stage, remote: Partial<Remote> = {}): Promise<OnDemandScene> {
  const scene = await openUnsynced(stage, remote);
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
  return scene;
}

function blobsOf(repository: SampleRepository, manifest: Descriptor): [Digest, Digest, Digest] {
  const { bytes } = repository.manifests.get(manifest.digest) ?? {};
  const view = JSON.parse(String(bytes)) as {
    config: { digest: Digest };
    layers: { digest: Digest }[];
  };
  const [small, large] = view.layers;
  if (small === undefined || large === undefined) throw new Error('the image has two layers');
  return [view.config.digest, small.digest, large.digest];
}

export async function startApis(
  scene: Pick<Scene, 'harness'>,
  count: number,
): Promise<readonly HarnessApi[]> {
  return Promise.all(Array.from({ length: count }, () => startHarnessApi(scene.harness)));
}

/** What a client gets: the whole answer, or `broken` where the connection broke off before its end. */
export async function outcome(answer: Promise<PullAnswer>): Promise<PullAnswer | 'broken'> {
  try {
    return await answer;
  } catch {
    return 'broken';
  }
}

export function pullBlob(
  api: Pick<HarnessApi, 'url'>,
  scene: OnDemandScene,
  digest: Digest,
  headers: Readonly<Record<string, string>> = {},
): Promise<PullAnswer> {
  return pull(api.url, { path: scene.pathOf(digest), headers });
}

/** An answer whose head has come and of which nothing is read yet. */
export function openBlob(
  api: Pick<HarnessApi, 'url'>,
  scene: OnDemandScene,
  digest: Digest,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = get(`${api.url}${scene.pathOf(digest)}`, { agent: false }, (response) => {
      response.on('error', () => undefined);
      resolve(response);
    });
    sent.on('error', reject);
  });
}

export interface Gate {
  readonly answer: Answer;
  /** Sends the rest. */
  open(): void;
}

/** Sends the first bytes at once, and the rest when it is opened. */
export function gated(body: Buffer, firstBytes: number): Gate {
  const opened = Promise.withResolvers<void>();
  return {
    open: () => opened.resolve(),
    answer: async (_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/octet-stream',
        'content-length': String(body.length),
      });
      response.write(body.subarray(0, firstBytes));
      await opened.promise;
      response.end(body.subarray(firstBytes));
    },
  };
}

/** Right in length, wrong in its last byte. */
export function damaged(body: Buffer): Answer {
  const wrong = Buffer.from(body);
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 0xff;
  return blob(wrong);
}
