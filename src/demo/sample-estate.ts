/** An installation as it looks after a while: several mirrors with versions and schedules, and one whose upstream fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  addArtifact,
  addImage,
  addIndex,
  addLayer,
  createSampleRepository,
  moveTag,
  removeTag,
} from './sample-image.ts';
import type { SampleRepository } from './sample-image.ts';

/** A request to the GraphQL API; answers `data`. */
export type Ask = <T>(query: string, variables?: Readonly<Record<string, unknown>>) => Promise<T>;

const pollMs = 50;

interface Sample {
  readonly name: string;
  readonly upstreamName: string;
  readonly tags: readonly string[];
  /** Each round is one more version: tags that come, and tags that go. */
  readonly rounds: readonly { readonly add: readonly string[]; readonly remove?: readonly string[] }[];
  readonly intervalSeconds?: number;
}

const samples: readonly Sample[] = [
  {
    name: 'mirror/nginx',
    upstreamName: 'library/nginx',
    tags: ['1.26.2', '1.26.3', '1.27.2', '1.27.3', '1.27.3-alpine', 'stable', 'latest'],
    rounds: [
      { add: ['1.27.4', '1.27.4-alpine', 'latest'] },
      { add: ['1.27.5', 'latest'], remove: ['1.26.2'] },
    ],
    intervalSeconds: 3_600,
  },
  {
    name: 'mirror/redis',
    upstreamName: 'library/redis',
    tags: ['7.2.6', '7.4.1', '7.4-alpine', 'latest'],
    rounds: [{ add: ['7.4.2', 'latest'] }],
    intervalSeconds: 21_600,
  },
  {
    name: 'mirror/postgres',
    upstreamName: 'library/postgres',
    tags: ['16.6', '17.2', '17.2-alpine', 'latest'],
    rounds: [],
  },
  {
    name: 'team/shop/api',
    upstreamName: 'shop/api',
    tags: ['1.8.0', '1.8.1', '1.9.0', 'stable'],
    rounds: [{ add: ['1.9.1', 'stable'] }],
    intervalSeconds: 900,
  },
];

export interface World {
  readonly repositories: Map<string, SampleRepository>;
  readonly kib: number;
}

/** @param kib Size of the largest layers. */
export function createWorld(kib = 300): World {
  const repositories = new Map<string, SampleRepository>();
  for (const { upstreamName, tags } of samples) {
    const content = createSampleRepository();
    for (const tag of tags) release(content, upstreamName, tag, kib);
    repositories.set(upstreamName, content);
  }
  return { repositories, kib };
}

/** The upstream's next release: `latest` moves to it. */
export function changeUpstream(world: World, upstreamName: string): void {
  const sample = samples.find((each) => each.upstreamName === upstreamName);
  change(world, upstreamName, sample?.rounds[0] ?? { add: [] });
}

function change(world: World, upstreamName: string, { add, remove = [] }: Sample['rounds'][number]): void {
  const content = world.repositories.get(upstreamName);
  if (content === undefined) throw new Error(`The world has no ${upstreamName}.`);
  for (const tag of add) release(content, `${upstreamName}-${add[0]}`, tag, world.kib);
  for (const tag of remove) removeTag(content, tag);
}

/** Mirrors the world, a version for each round. */
export async function mirrorWorld(world: World, upstreamUrl: string, ask: Ask): Promise<void> {
  for (const sample of samples) {
    const { name, upstreamName, rounds, intervalSeconds } = sample;
    const repositoryId = await createMirror(ask, { name, url: upstreamUrl, upstreamName });
    await sync(ask, repositoryId);
    for (const { add, remove = [] } of rounds) {
      change(world, upstreamName, { add, remove });
      await sync(ask, repositoryId);
    }
    if (intervalSeconds !== undefined)
      await ask(
        `mutation($input: ScheduleCreateInput!) { scheduleCreate(input: $input) { userErrors { message } } }`,
        {
          input: { repositoryId, intervalSeconds, mirror: true },
        },
      );
  }
  // Nothing listens on port 9 of the loopback.
  const failing = await createMirror(ask, {
    name: 'mirror/grafana',
    url: 'http://127.0.0.1:9',
    upstreamName: 'grafana/grafana',
  });
  await sync(ask, failing);
}

/** An index of two platforms under a tag, with an SBOM that refers to it; `latest` and `stable` repeat the newest. */
function release(content: SampleRepository, seed: string, tag: string, kib: number): void {
  if (tag === 'latest' || tag === 'stable') {
    const newest = [...content.tags].filter(([name]) => /^[\d.]+$/.test(name)).at(-1);
    const descriptor = newest && content.manifests.get(newest[1]);
    if (descriptor) {
      moveTag(content, tag, descriptor);
      return;
    }
  }
  const manifests = (['amd64', 'arm64'] as const).map((architecture) =>
    addImage(content, {
      seed: `${seed}-${tag}-${architecture}`,
      layers: [addLayer(content, `base-${architecture}`, 40_000), kib * 1024, 2_000],
      platform: { os: 'linux', architecture },
      annotations: {
        'org.opencontainers.image.version': tag,
        'org.opencontainers.image.source': `https://git.example/${seed}`,
      },
    }),
  );
  const index = addIndex(content, { manifests, tag });
  addArtifact(content, {
    seed: `${seed}-${tag}-sbom`,
    artifactType: 'application/spdx+json',
    layers: [{ mediaType: 'application/spdx+json', sizeBytes: 4_000 }],
    subject: index,
  });
}

async function createMirror(
  ask: Ask,
  { name, url, upstreamName }: { readonly name: string; readonly url: string; readonly upstreamName: string },
): Promise<string> {
  const { remoteCreate } = await ask<{ remoteCreate: { remote: { id: string } } }>(
    `mutation($input: RemoteCreateInput!) { remoteCreate(input: $input) { remote { id } userErrors { message } } }`,
    { input: { name: upstreamName, url, upstreamName, maxRetries: 0 } },
  );
  const { repositoryCreate } = await ask<{ repositoryCreate: { repository: { id: string } } }>(
    `mutation($input: RepositoryCreateInput!) { repositoryCreate(input: $input) { repository { id } userErrors { message } } }`,
    { input: { name, remoteId: remoteCreate.remote.id } },
  );
  return repositoryCreate.repository.id;
}

/** Syncs a repository, and waits for the end. */
export async function sync(ask: Ask, repositoryId: string, options: object = {}): Promise<void> {
  const { repositorySync } = await ask<{ repositorySync: { task: { id: string } } }>(
    `mutation($input: RepositorySyncInput!) { repositorySync(input: $input) { task { id } userErrors { message } } }`,
    { input: { repositoryId, mirror: true, ...options } },
  );
  for (;;) {
    const { task } = await ask<{ task: { state: string } }>(`query($id: ID!) { task(id: $id) { state } }`, {
      id: repositorySync.task.id,
    });
    if (['COMPLETED', 'FAILED', 'CANCELED'].includes(task.state)) return;
    await sleep(pollMs);
  }
}
