/** Remotes that take some platforms, and upstreams that lack some (docs/selection.md, "Platforms"). */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Repository } from '../../src/db/schema/repositories.ts';
import {
  addArtifact,
  addImage,
  addIndex,
  createSampleRepository,
  moveTag,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { formatPlatform } from '../../src/oci/manifest/descriptor.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import type { Scene } from '../support/sync/stage.ts';
import { pullPath } from '../support/api/pull.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { openDirectSync } from '../support/sync/direct-sync.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

type Names = 'index' | 'amd64' | 'arm64' | 'amd64Attestation' | 'arm64Attestation' | 'chart';

let seeds = 0;

/** An index as BuildKit writes it, with a chart that has no platform. */
function multiArch(): { readonly repository: SampleRepository; readonly digests: Record<Names, string> } {
  seeds += 1;
  const repository = createSampleRepository();
  const imageFor = (architecture: string) =>
    addImage(repository, {
      seed: `platforms-${seeds}-${architecture}`,
      layers: [1_000],
      platform: { os: 'linux', architecture },
    });
  const attestationOf = (subject: { readonly digest: string }, name: string) => ({
    ...addArtifact(repository, {
      seed: `${subject.digest}-${name}`,
      layers: [{ mediaType: 'application/vnd.in-toto+json', sizeBytes: 300 }],
    }),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': subject.digest },
  });
  const amd64 = imageFor('amd64');
  const arm64 = imageFor('arm64');
  const amd64Attestation = attestationOf(amd64, 'amd64');
  const arm64Attestation = attestationOf(arm64, 'arm64');
  const chart = addArtifact(repository, { seed: `chart-${seeds}`, artifactType: 'application/vnd.chart' });
  const manifests = [amd64, arm64, amd64Attestation, arm64Attestation, chart];
  const index = addIndex(repository, { manifests, tag: 'multi' });
  const byName = { index, amd64, arm64, amd64Attestation, arm64Attestation, chart };
  const digests = Object.fromEntries(
    Object.entries(byName).map(([name, { digest }]) => [name, digest]),
  ) as unknown as Record<Names, string>;
  return { repository, digests };
}

async function names({ harness, ids }: Scene, digests: Record<Names, string>): Promise<string[]> {
  const { latest } = await harness.em().findOneOrFail(Repository, { id: ids.repositoryId });
  const content = await harness.content(ids.repositoryId, latest, 'manifest');
  const byDigest = new Map(Object.entries(digests).map(([name, digest]) => [digest, name]));
  return content.map((digest) => byDigest.get(digest) ?? digest).sort();
}

const pull = (name: string, reference: string) => pullPath(api.url, `${name}/manifests/${reference}`);

const only = (...platforms: string[]) => ({ tagRules: { platforms } });
const amd64Names = ['amd64', 'amd64Attestation', 'chart', 'index'];
const allNames = ['amd64', 'amd64Attestation', 'arm64', 'arm64Attestation', 'chart', 'index'];

test('a remote takes one platform: the index keeps its digest, other children are neither fetched nor served', async () => {
  const { repository, digests } = multiArch();
  // another repository has stored them all
  await stage.openSynced({ repository });
  const scene = await stage.open({ repository, remote: only('linux/amd64') });
  const { task, warnings } = await scene.sync();
  expect([task.state, task.errorMessage, warnings]).toEqual(['COMPLETED', null, []]);
  expect(await names(scene, digests)).toEqual(amd64Names);
  expect(scene.upstream.requests.filter(({ path }) => path.includes(digests.arm64))).toEqual([]);
  expect(await pull(scene.name, 'multi')).toMatchObject({ status: 200, digest: digests.index });
  expect(await pull(scene.name, digests.amd64)).toMatchObject({ status: 200 });
  const absent = await pull(scene.name, digests.arm64);
  expect([absent.status, JSON.parse(absent.text)]).toMatchObject([
    404,
    { errors: [{ code: 'MANIFEST_UNKNOWN' }] },
  ]);
  expect(absent.text).toContain('It is absent by rule: the remote takes only linux/amd64.');
  const layer = JSON.parse(repository.manifests.get(digests.arm64 as never)?.bytes.toString() ?? '{}') as {
    layers: { digest: string }[];
  };
  const blob = await fetch(`${api.url}/v2/${scene.name}/blobs/${layer.layers[0]?.digest}`);
  expect([blob.status, await blob.json()]).toMatchObject([404, { errors: [{ code: 'BLOB_UNKNOWN' }] }]);
  // a second sync changes nothing
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
});

test('the API lists the children of an index with those that are absent', async () => {
  const { repository, digests } = multiArch();
  const scene = await stage.open({ repository, remote: only('linux/arm64/v8') });
  await scene.sync();
  const { repository: read } = await api.data(
    `query ($name: String!) { repository(name: $name) { latestVersion { tag(name: "multi") { manifest {
      presentChildren absentChildren manifests { digest } children { digest mediaType platform isStored absence } } } } } }`,
    { name: scene.name },
  );
  const { manifest } = read.latestVersion.tag;
  expect(manifest).toMatchObject({ presentChildren: 3, absentChildren: 2 });
  expect(manifest.manifests.map(({ digest }: { digest: string }) => digest)).toEqual([
    digests.arm64,
    digests.arm64Attestation,
    digests.chart,
  ]);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  expect(manifest.children).toEqual([
    { digest: digests.amd64, mediaType, platform: 'linux/amd64', isStored: false, absence: 'BY_RULE' },
    { digest: digests.arm64, mediaType, platform: 'linux/arm64', isStored: true, absence: null },
    {
      digest: digests.amd64Attestation,
      mediaType,
      platform: 'unknown/unknown',
      isStored: false,
      absence: 'BY_RULE',
    },
    {
      digest: digests.arm64Attestation,
      mediaType,
      platform: 'unknown/unknown',
      isStored: true,
      absence: null,
    },
    { digest: digests.chart, mediaType, platform: null, isStored: true, absence: null },
  ]);
});

test('a lost manifest is no absent one, and comes back with the next sync', async () => {
  const { repository, digests } = multiArch();
  const scene = await stage.open({ repository, remote: only('linux/amd64') });
  await scene.sync();
  await stage.harness
    .em()
    .getConnection()
    .execute(`update manifest set raw = null where digest = '${digests.amd64}'`);
  const counts = `query ($name: String!) { repository(name: $name) { latestVersion { tag(name: "multi") { manifest {
    presentChildren absentChildren children { isStored absence } } } } } }`;
  const read = async () =>
    (await api.data(counts, { name: scene.name })).repository.latestVersion.tag.manifest;
  expect(await read()).toMatchObject({
    presentChildren: 2,
    absentChildren: 2,
    children: [
      { isStored: false, absence: null },
      { isStored: false, absence: 'BY_RULE' },
      { isStored: true },
      { isStored: false },
      { isStored: true },
    ],
  });
  expect((await pull(scene.name, digests.amd64)).text).toContain('It has been lost on this server');
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(await read()).toMatchObject({ presentChildren: 3, absentChildren: 2 });
});

test.each([
  { mirror: false, immutableTags: [] },
  { mirror: true, immutableTags: ['*'] },
])(
  'other platforms take effect at the next sync, for unchanged and immutable tags too: mirror $mirror',
  async ({ mirror, immutableTags }) => {
    const wish = { mirror };
    const taking = (platforms: readonly string[] | null) => ({ tagRules: { immutableTags, platforms } });
    const { harness } = stage;
    const { repository, digests } = multiArch();
    const scene = await stage.open({ repository, remote: taking(['linux/amd64']) });
    await scene.sync(wish);
    await harness.updateRemote(scene.ids.remoteId, taking(null));
    expect((await scene.sync(wish)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
    expect(await names(scene, digests)).toEqual(allNames);
    expect((await scene.sync(wish)).task).toMatchObject({ createdVersion: null });
    await harness.updateRemote(scene.ids.remoteId, taking(['linux/arm64']));
    expect((await scene.sync(wish)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 3 });
    expect(await names(scene, digests)).toEqual(['arm64', 'arm64Attestation', 'chart', 'index']);
    // by its digest, from the version before
    expect(await pull(scene.name, digests.amd64)).toMatchObject({ status: 200 });
    expect((await scene.sync(wish)).task).toMatchObject({ createdVersion: null });
    // the versions before stay what they were, and a restored one lacks what it lacked
    const { number, id } = (
      await api.data(
        `query ($name: String!) { repository(name: $name) { version(number: 1) { id number } } }`,
        { name: scene.name },
      )
    ).repository.version;
    expect(number).toBe(1);
    await api.data(
      `mutation ($id: ID!) { repositoryRestoreVersion(input: { versionId: $id }) { userErrors { message } } }`,
      { id },
    );
    expect(await names(scene, digests)).toEqual(amd64Names);
    expect(await pull(scene.name, digests.arm64)).toMatchObject({ status: 200 });
  },
);

test('a clean-up removes the content of platforms that no version has any more', async () => {
  const { harness } = stage;
  const { repository, digests } = multiArch();
  const scene = await stage.openSynced({ repository });
  const before = await harness.storedFiles();
  await harness.updateRemote(scene.ids.remoteId, only('linux/amd64'));
  await scene.sync();
  const arm64 = `select raw is null as gone from manifest where digest = '${digests.arm64}'`;
  const isGone = async () =>
    (await harness.em().getConnection().execute<{ gone: boolean }[]>(arm64))[0]?.gone;
  await harness.upkeep('content.collect');
  // version 1 has it
  expect(await isGone()).toBe(false);
  await harness
    .em()
    .getConnection()
    .execute(`update repository set retain_versions = 1 where id = ${scene.ids.repositoryId}`);
  await harness.upkeep('content.collect');
  expect(await isGone()).toBe(true);
  expect((await harness.storedFiles()).length).toBe(before.length - 3);
  expect((await harness.upkeep('content.verify')).state).toBe('COMPLETED');
  expect(await pull(scene.name, 'multi')).toMatchObject({ status: 200, digest: digests.index });
  expect((await pull(scene.name, digests.arm64)).text).toContain('absent by rule');
  // and it comes back
  await harness.updateRemote(scene.ids.remoteId, { tagRules: {} });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 3 });
  expect(await names(scene, digests)).toEqual(allNames);
  expect(await pull(scene.name, digests.arm64)).toMatchObject({ status: 200 });
});

async function outcomesOf(taskId: number): Promise<Record<string, string>> {
  const rows = await stage.harness
    .em()
    .getConnection()
    .execute<{ name: string; outcome: string }[]>(
      `select name, outcome from task_tag where task_id = ${taskId}`,
    );
  return Object.fromEntries(rows.map(({ name, outcome }) => [name, outcome]));
}

function image(repository: SampleRepository, seed: string, architecture: string, tag?: string) {
  return addImage(repository, {
    seed: `platforms-${process.pid}-${seed}-${architecture}`,
    layers: [500],
    platform: { os: 'linux', architecture },
    ...(tag === undefined ? {} : { tag }),
  });
}

test('single images and indexes of other platforms are left out; nested indexes keep what is taken', async () => {
  const { harness } = stage;
  const repository = createSampleRepository();
  const amd64 = image(repository, 'single', 'amd64', 'amd');
  const arm64 = image(repository, 'single', 'arm64', 'arm');
  const nested = [
    addIndex(repository, { manifests: [amd64, arm64] }),
    addIndex(repository, { manifests: [arm64] }),
  ];
  addIndex(repository, { manifests: nested, tag: 'nested' });
  addIndex(repository, { manifests: [addIndex(repository, { manifests: [arm64] })], tag: 'none' });
  addArtifact(repository, { seed: 'platforms-chart', artifactType: 'application/vnd.chart', tag: 'chart' });
  const remote = { includeTags: ['*', arm64.digest], tagRules: { platforms: ['linux/amd64'] } };
  const scene = await stage.open({ repository, remote });
  const { task, warnings } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  const { repositoryId } = scene.ids;
  expect([...(await harness.tags(repositoryId, 1)).keys()]).toEqual(['amd', 'chart', 'nested']);
  expect(await harness.content(repositoryId, 1, 'manifest')).not.toContain(arm64.digest);
  expect(await harness.content(repositoryId, 1, 'manifest')).toContain(amd64.digest);
  const takes = 'and the remote takes only linux/amd64.';
  expect(warnings).toEqual(
    expect.arrayContaining([
      `The tag arm was left out: it is an image for linux/arm64, ${takes}`,
      `The tag none was left out: it is an index without an image for these platforms, ${takes}`,
      `The manifest ${arm64.digest} was left out: it is an image for linux/arm64, ${takes}`,
    ]),
  );
  expect(await outcomesOf(task.id)).toEqual({
    [arm64.digest]: 'NO_PLATFORM',
    amd: 'ADDED',
    arm: 'NO_PLATFORM',
    chart: 'ADDED',
    nested: 'ADDED',
    none: 'NO_PLATFORM',
  });
  // its config is read once
  const { config } = JSON.parse(String(repository.manifests.get(arm64.digest)?.bytes)) as {
    config: { digest: string };
  };
  const route = `GET /v2/library/app/blobs/${config.digest}`;
  expect(scene.upstream.requestsOf(route).length).toBeGreaterThan(0);
  scene.upstream.requests.length = 0;
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(scene.upstream.requestsOf(route)).toEqual([]);
  // a tag that moves to another platform stays where it is, also in a mirror, until it is pruned
  moveTag(repository, 'amd', arm64);
  for (const mirror of [false, true])
    expect((await scene.sync({ mirror })).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  const pruned = await scene.sync({ mirror: true, pruneFiltered: true });
  expect(pruned.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect([...(await harness.tags(repositoryId, 2)).keys()]).toEqual(['chart', 'nested']);
  expect(await outcomesOf(pruned.task.id)).toMatchObject({ amd: 'NO_PLATFORM' });
  // a requested digest that is there stays, too
  await harness.updateRemote(scene.ids.remoteId, { tagRules: {} });
  await scene.sync({ mirror: true });
  await harness.updateRemote(scene.ids.remoteId, remote);
  const mirrored = await scene.sync({ mirror: true });
  expect(mirrored.warnings.join()).not.toContain('still serves');
  expect(await rootsOf(repositoryId)).toEqual([arm64.digest]);
  const alone = await stage.open({ repository, remote: { ...remote, includeTags: ['arm'] } });
  expect((await alone.sync()).task).toMatchObject({ state: 'FAILED', errorCode: 'NOTHING_SELECTED' });
});

test('a second Tidemark mirrors the first; layers on demand come for its platform only', async () => {
  const { harness } = stage;
  const { repository, digests } = multiArch();
  const first = await stage.open({ repository, remote: only('linux/amd64') });
  await first.sync();
  const ids = await harness.createRepository({ url: api.url, upstreamName: first.name, policy: 'ON_DEMAND' });
  const second: Scene = { ...first, ids, name: ids.name, sync: (wish) => harness.sync(ids, wish) };
  const { task, warnings } = await second.sync({ mirror: true });
  expect([task.state, task.errorMessage]).toEqual(['COMPLETED', null]);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^The upstream does not have the manifest sha256:.* Each sync asks for it again\. The same holds for 1 more: /,
    ),
  ]);
  expect(await names(second, digests)).toEqual(amd64Names);
  expect(await pull(ids.name, 'multi')).toMatchObject({ status: 200, digest: digests.index });
  const absent = await pull(ids.name, digests.arm64);
  expect([absent.status, absent.text]).toEqual([
    404,
    expect.stringContaining('It is absent upstream: the index'),
  ]);
  const sources = `select from repository_source s join manifest_blob e on e.blob_id = s.blob_id
    join manifest m on m.id = e.manifest_id where s.repository_id = ${ids.repositoryId} and m.digest = `;
  const db = harness.em().getConnection();
  expect(await db.execute(`${sources}'${digests.amd64}'`)).toHaveLength(2);
  expect((await db.execute<unknown[]>(`${sources}'${digests.arm64}'`)).length).toBe(0);
  expect((await second.sync({ mirror: true })).task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: null,
  });
  // the first gets the other platform, and so does the second
  await harness.updateRemote(first.ids.remoteId, { tagRules: {} });
  await first.sync();
  expect((await second.sync({ mirror: true })).task).toMatchObject({ createdVersion: 2 });
  expect(await names(second, digests)).toEqual(allNames);
});

test('copies lack what their source lacks, get what another source has, and take pushes of the same index', async () => {
  const { harness } = stage;
  const { repository, digests } = multiArch();
  const sparse = await stage.open({ repository, remote: only('linux/amd64') });
  await sparse.sync();
  const whole = await stage.openSynced({ repository });
  const { repositoryCreate } = await api.data(
    `mutation ($name: String!) { repositoryCreate(input: { name: $name }) { repository { id name } } }`,
    { name: `copies/${sparse.ids.repositoryId}` },
  );
  const { id, name } = repositoryCreate.repository;
  const copy = async (source: Scene, change: object = {}): Promise<void> => {
    const { repository: from } = await api.data(
      `query ($name: String!) { repository(name: $name) { latestVersion { id } } }`,
      { name: source.name },
    );
    const { repositoryCopyContent } = await api.data(
      `mutation ($input: RepositoryCopyContentInput!) { repositoryCopyContent(input: $input) { userErrors { message } } }`,
      { input: { repositoryId: id, sourceVersionId: from.latestVersion.id, ...change } },
    );
    expect(repositoryCopyContent.userErrors).toEqual([]);
  };
  const counts = async () =>
    (
      await api.data(
        `query ($name: String!) { repository(name: $name) { latestVersion { number contentSummary { present { manifests blobs } }
          tag(name: "multi") { manifest { presentChildren absentChildren totalSizeBytes } } } } }`,
        { name },
      )
    ).repository.latestVersion;
  await copy(sparse, { tags: ['multi'] });
  const first = await counts();
  expect(first.tag.manifest).toMatchObject({ presentChildren: 3, absentChildren: 2 });
  expect(first.contentSummary.present.manifests).toBe(4);
  expect((await pull(name, digests.arm64)).text).toContain('It is absent by rule: the index');
  const push = (reference: string, digest: string) =>
    fetch(`${api.url}/v2/${name}/manifests/${reference}`, {
      method: 'PUT',
      headers: { 'content-type': repository.manifests.get(digest as never)?.mediaType ?? '' },
      body: new Uint8Array(repository.manifests.get(digest as never)?.bytes ?? []),
    });
  expect((await push('again', digests.index)).status).toBe(201);
  // another index of an absent image is refused
  const other = addIndex(repository, { manifests: [{ ...describe(repository, digests.arm64) }] });
  const refused = await push('other', other.digest);
  expect([refused.status, await refused.json()]).toMatchObject([
    404,
    { errors: [{ code: 'MANIFEST_BLOB_UNKNOWN' }] },
  ]);
  // the index does not hold what it lacks
  expect((await fetch(`${api.url}/v2/${name}/manifests/${digests.arm64}`, { method: 'DELETE' })).status).toBe(
    404,
  );
  await copy(whole);
  expect((await counts()).tag.manifest).toMatchObject({ presentChildren: 5, absentChildren: 0 });
  const before = (await counts()).number;
  await copy(sparse);
  expect((await counts()).number).toBe(before);
  expect((await harness.upkeep('content.verify')).state).toBe('COMPLETED');
});

test('random indexes and platforms: each version has exactly what the rule takes', async () => {
  const { harness } = stage;
  const direct = openDirectSync(harness);
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/arm/v6'];
  const repository = createSampleRepository();
  const images = platforms.map((platform, at) => {
    const [os = '', architecture = '', variant] = platform.split('/');
    return addImage(repository, {
      seed: `random-platforms-${process.pid}-${at}`,
      layers: [100],
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    });
  });
  const scene = await stage.open({ repository });
  const { repositoryId, remoteId } = scene.ids;
  const [base] = images;
  const child = fc.record({
    at: fc.nat({ max: 3 }),
    depth: fc.nat({ max: 2 }),
    withAttestation: fc.boolean(),
  });
  const step = fc.record({
    tag: fc.constantFrom('a', 'b', 'c'),
    children: fc.array(child, { maxLength: 4 }),
    taken: fc.subarray(platforms.slice(1)),
    takesAll: fc.boolean(),
    mirror: fc.boolean(),
  });
  try {
    await fc.assert(
      fc.asyncProperty(step, async ({ tag, children, taken, takesAll, mirror }) => {
        const entries = children.flatMap(({ at, depth, withAttestation }) =>
          withParents(repository, images[at] as Descriptor, { depth, withAttestation }),
        );
        // the first image keeps the tag
        addIndex(repository, { manifests: [base as Descriptor, ...entries], tag });
        const rule = takesAll ? null : ['linux/amd64', ...taken];
        await harness.updateRemote(remoteId, { tagRules: rule === null ? {} : { platforms: rule } });
        expect(await direct.run({ repositoryId, remoteId }, mirror)).toBeUndefined();
        const { latest } = await harness.em().findOneOrFail(Repository, { id: repositoryId });
        const content = await harness.content(repositoryId, latest, 'manifest');
        const selected = closure(repository, [...repository.tags.values()], rule);
        // an additive sync keeps the former manifests of moved tags
        const kept = closure(repository, mirror ? [] : await rootsOf(repositoryId), null);
        expect([...selected].filter((digest) => !content.includes(digest))).toEqual([]);
        expect(content.filter((digest) => !selected.has(digest) && !kept.has(digest))).toEqual([]);
      }),
      { seed: 1612, numRuns: 12, endOnFailure: true },
    );
  } finally {
    await direct.close();
  }
});

/** An entry for an image, below indexes, and an attestation beside it. */
function withParents(
  repository: SampleRepository,
  subject: Descriptor,
  { depth, withAttestation }: { readonly depth: number; readonly withAttestation: boolean },
): Descriptor[] {
  const attestation = {
    ...addArtifact(repository, {
      seed: `attestation-${subject.digest}`,
      artifactType: 'application/vnd.attestation',
    }),
    annotations: { 'vnd.docker.reference.digest': subject.digest },
  };
  const entries = withAttestation ? [subject, attestation] : [subject];
  let below: Descriptor[] = entries;
  for (let level = 0; level < depth; level += 1) below = [addIndex(repository, { manifests: below })];
  return below;
}

/** The manifests below the roots that the platforms take. */
function closure(
  repository: SampleRepository,
  roots: readonly string[],
  platforms: readonly string[] | null,
): Set<string> {
  const reached = new Set<string>();
  const waiting = [...roots];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (reached.has(digest)) continue;
    reached.add(digest);
    const { manifests = [] } = JSON.parse(
      String(repository.manifests.get(digest as Digest)?.bytes ?? '{}'),
    ) as { manifests?: (Descriptor & { annotations?: Record<string, string> })[] };
    const isTaken = (platform: Descriptor['platform']) =>
      platforms === null || platform === undefined || platforms.includes(formatPlatform(platform));
    for (const entry of manifests) {
      const subject = manifests.find(
        (other) => other.digest === entry.annotations?.['vnd.docker.reference.digest'],
      );
      if (isTaken((subject ?? entry).platform)) waiting.push(entry.digest);
    }
  }
  return reached;
}

async function rootsOf(repositoryId: number): Promise<string[]> {
  const rows = await stage.harness
    .em()
    .getConnection()
    .execute<{ digest: string }[]>(
      `select m.digest from root_membership r join manifest m on m.id = r.manifest_id
        where r.repository_id = ${repositoryId} and r.removed_in is null`,
    );
  return rows.map(({ digest }) => digest);
}

function describe(repository: SampleRepository, digest: string): Descriptor {
  const document = repository.manifests.get(digest as Digest);
  if (document === undefined) throw new Error('no such manifest');
  return { mediaType: document.mediaType, digest: document.digest, size: document.bytes.length };
}
