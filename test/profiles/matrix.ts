/** The whole sync suite over registries that people use: one stack a test file, one played registry a test. */
import type { IncomingMessage } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { SignaturePolicy } from '../../src/db/schema/signatures.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import type { SyncArguments } from '../../src/db/schema/tasks.ts';
import { addImage, moveTag, removeTag } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { companionName } from '../support/signatures/signed-sample.ts';
import type { CannedAnswer } from '../support/upstream/fake-upstream.ts';
import { pull } from '../support/api/pull.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { profilePassword } from '../support/profiles/auth.ts';
import { createProfileContent, profileKey } from '../support/profiles/content.ts';
import type { ProfileContent } from '../support/profiles/content.ts';
import { openRegistryProfile } from '../support/profiles/engine.ts';
import type { PlayedRegistry } from '../support/profiles/engine.ts';
import type { RegistryProfile } from '../support/profiles/profile.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncOutcome } from '../support/sync/harness-options.ts';

export interface Stack {
  readonly harness: SyncHarness;
  readonly api: HarnessApi;
}

export interface Scene {
  readonly harness: SyncHarness;
  readonly content: ProfileContent;
  readonly registry: PlayedRegistry;
  readonly ids: { readonly repositoryId: number; readonly remoteId: number; readonly name: string };
  /** A sync that completes, after which no unexpected request has come. */
  readonly sync: (wish?: Partial<SyncArguments>) => Promise<SyncOutcome>;
  /** The tags of a version, by name. */
  readonly tags: (version: number) => Promise<Record<string, string>>;
}

let scenes = 0;

export interface SceneOptions {
  readonly remote?: (content: ProfileContent) => Partial<Remote>;
  /** What the registry answers in place of its profile. */
  readonly odd?: (request: IncomingMessage, content: ProfileContent) => CannedAnswer | undefined;
}

export async function openScene(
  { harness }: Stack,
  profile: RegistryProfile,
  { remote, odd }: SceneOptions = {},
): Promise<Scene> {
  scenes += 1;
  const content = createProfileContent(profile, `profile-${process.pid}-${scenes}`);
  const registry = await openRegistryProfile(profile, content, (request) => odd?.(request, content));
  onTestFinished(async () => registry[Symbol.asyncDispose]());
  const { url, upstreamName } = registry;
  const ids = await harness.createRepository({ url, upstreamName, ...profile.remote, ...remote?.(content) });
  if (profile.remote?.username !== undefined) {
    const passwordSealed = harness.secrets.encrypt(profilePassword, `remote:${ids.remoteId}:password`);
    await harness.updateRemote(ids.remoteId, { passwordSealed });
  }
  return {
    harness,
    content,
    registry,
    ids,
    sync: async (wish) => {
      const outcome = await harness.sync(ids, wish);
      registry.assertExpected();
      expect(outcome.task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
      return outcome;
    },
    tags: async (version) => Object.fromEntries(await harness.tags(ids.repositoryId, version)),
  };
}

/** All tests of one registry. */
export function testRegistry(stack: () => Stack, profile: RegistryProfile): void {
  testWholeRepository(stack, profile);
  testSelections(stack, profile);
  testLayers(stack, profile);
}

function testWholeRepository(stack: () => Stack, profile: RegistryProfile): void {
  test('a first sync mirrors all that it serves', async () => {
    const scene = await openScene(stack(), profile);
    await scene.sync();
    await expectWhole(scene, 1);
  });

  test('a sync with nothing changed makes no version and downloads nothing', async () => {
    const { sync, registry } = await openScene(stack(), profile);
    await sync();
    registry.forgetRequests();
    const { task, latest } = await sync();
    expect([task.createdVersion, latest]).toEqual([null, 1]);
    expect(registry.requestsFor('blobs')).toEqual([]);
    // a manifest is asked for again only where HEAD does not tell what it is
    if (tellsByHead(profile)) expect(gets(registry).filter((path) => !isSideLookUp(path))).toEqual([]);
  });

  test('a mirror follows what was moved, added and removed', async () => {
    const scene = await openScene(stack(), profile);
    const { repository, signedByTag, unsigned } = scene.content;
    await scene.sync();
    moveTag(repository, 'latest', unsigned);
    removeTag(repository, 'v1-docker');
    addImage(repository, { seed: `added-${scenes}`, layers: [800], tag: 'v3' });
    const { task } = await scene.sync({ mirror: true });
    expect(task.createdVersion).toBe(2);
    expect(await scene.tags(2)).toEqual(upstreamTags(scene));
    expect(await scene.tags(1)).toMatchObject({ latest: signedByTag.digest });
  });
}

function testSelections(stack: () => Stack, profile: RegistryProfile): void {
  test('filters select tags, and their signatures with them', async () => {
    const scene = await openScene(stack(), profile, {
      remote: () => ({ includeTags: ['v*'], excludeTags: ['*-docker'] }),
    });
    await scene.sync();
    expect(await scene.tags(1)).toEqual(tagsOf(scene, ['v1', 'v2']));
    expect(await manifestsOf(scene, 1)).toContain(scene.content.signature.digest);
  });

  test('exact names are fetched without the list of tags', async () => {
    const scene = await openScene(stack(), profile, {
      remote: () => ({ includeTags: ['v1', 'v2', 'multi'] }),
    });
    await scene.sync();
    expect(await scene.tags(1)).toEqual(tagsOf(scene, ['v1', 'v2', 'multi']));
    expect(scene.registry.requestsFor('tags')).toEqual([]);
  });

  test('a signature policy finds the signatures where this registry keeps them', async () => {
    const { harness } = stack();
    const em = harness.em();
    const policy = em.create(SignaturePolicy, { name: `policy-${profile.name}`, keys: [profileKey.pem] });
    await em.flush();
    const scene = await openScene(stack(), profile, {
      remote: () => ({ includeTags: ['v1', 'v2', 'unsigned'], signaturePolicyId: policy.id }),
    });
    const { warnings } = await scene.sync();
    expect(await scene.tags(1)).toEqual(tagsOf(scene, ['v1', 'v2']));
    expect(warnings.join('\n')).toContain('unsigned');
  });

  test('a digest in includeTags is mirrored without a tag', async () => {
    const scene = await openScene(stack(), profile, {
      remote: ({ unsigned }) => ({ includeTags: [unsigned.digest] }),
    });
    await scene.sync();
    const { unsigned } = scene.content;
    expect(await scene.tags(1)).toEqual({});
    expect(await manifestsOf(scene, 1)).toEqual([unsigned.digest]);
  });
}

function testLayers(stack: () => Stack, profile: RegistryProfile): void {
  test('a dry run reports and keeps nothing', async () => {
    const { sync, registry } = await openScene(stack(), profile);
    const { task, latest } = await sync({ dryRun: true });
    expect([task.createdVersion, latest]).toEqual([null, 0]);
    expect(registry.requestsFor('blobs')).toEqual([]);
  });

  test('ON_DEMAND leaves layers there, and a pull brings them', async () => {
    const { api, harness } = stack();
    const scene = await openScene(stack(), profile, {
      remote: () => ({ policy: 'ON_DEMAND', includeTags: ['v1'] }),
    });
    await scene.sync();
    const layer = firstLayer(scene.content);
    expect(await harness.store.exists(layer)).toBe(false);
    const answer = await pull(api.url, { path: `/v2/${scene.ids.name}/blobs/${layer.digest}` });
    expect([answer.status, answer.body]).toEqual([200, scene.content.repository.blobs.get(layer.digest)]);
    scene.registry.assertExpected();
  });
}

/** All tags, manifests and blobs of the registry, and nothing else. */
export async function expectWhole(scene: Scene, version: number): Promise<void> {
  const { harness, ids, content } = scene;
  expect(await scene.tags(version)).toEqual(upstreamTags(scene));
  expect(await manifestsOf(scene, version)).toEqual([...content.repository.manifests.keys()].sort());
  expect(await harness.content(ids.repositoryId, version, 'blob')).toEqual(
    [...content.repository.blobs.keys()].sort(),
  );
}

function upstreamTags({ content }: Scene): Record<string, string> {
  return Object.fromEntries(content.repository.tags);
}

/** These tags and the companion tags of their images. */
function tagsOf({ content }: Scene, names: readonly string[]): Record<string, string> {
  const { tags } = content.repository;
  const digests = names.map((name) => companionName({ digest: tags.get(name) ?? '' }));
  return Object.fromEntries(
    [...tags].filter(
      ([name]) => names.includes(name) || digests.some((companion) => name.startsWith(companion)),
    ),
  );
}

async function manifestsOf({ harness, ids }: Scene, version: number): Promise<string[]> {
  return harness.content(ids.repositoryId, version, 'manifest');
}

function tellsByHead({ manifests }: RegistryProfile): boolean {
  return (manifests?.head ?? 'full') === 'full';
}

function gets(registry: PlayedRegistry): string[] {
  return registry.requestsFor('manifests', 'GET').map(({ path }) => path);
}

/** A tag that may hold signatures is looked for by GET too, so that one wrong HEAD does not lose it. */
function isSideLookUp(path: string): boolean {
  return /\/manifests\/sha256-[^/]*$/.test(path);
}

function firstLayer({ repository, signedByTag }: ProfileContent): Pick<Descriptor, 'digest' | 'size'> {
  const bytes = repository.manifests.get(signedByTag.digest)?.bytes;
  const { layers } = JSON.parse(String(bytes)) as { layers: Pick<Descriptor, 'digest' | 'size'>[] };
  const [layer] = layers;
  if (layer === undefined) throw new Error('the image has layers');
  return layer;
}
