/** What may change at an upstream. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addImage, addIndex } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { useDirectStage } from './direct-stage.ts';
import type { Scene } from './stage.ts';
import {
  attach,
  companionName,
  referrersOf,
  removeManifest,
  signByReferrer,
  signByTag,
} from '../signatures/signed-sample.ts';

export const opened = useDirectStage();

export interface World {
  readonly repository: SampleRepository;
  readonly scene: Scene;
  /** No two runs share content. */
  readonly seed: string;
  /** Makes each piece of content new. */
  next: number;
}

function taggedManifest(world: World, tag: string): Descriptor {
  const { repository } = world;
  const digest = repository.tags.get(tag);
  const document = digest && repository.manifests.get(digest);
  if (!document) return addImage(repository, { seed: `${world.seed}-${tag}`, layers: [200], tag });
  return { digest: document.digest, mediaType: document.mediaType, size: document.bytes.length };
}

/** What may change at the upstream, and here. The tag is one of v1, v2 and v3. */
export const changes: Readonly<Record<string, (world: World, tag: string) => void | Promise<void>>> = {
  nothing: () => undefined,
  move: (world, tag) => {
    world.next += 1;
    addImage(world.repository, { seed: `${world.seed}-${tag}-${world.next}`, layers: [200], tag });
  },
  'move to an index': (world, tag) => {
    world.next += 1;
    const images = [1, 2].map((n) =>
      addImage(world.repository, { seed: `${world.seed}-${world.next}-${n}`, layers: [200] }),
    );
    addIndex(world.repository, { manifests: images, tag });
  },
  remove: ({ repository }, tag) => void repository.tags.delete(tag),
  sign: (world, tag) => {
    world.next += 1;
    signByTag(world.repository, taggedManifest(world, tag), { seed: `${world.next}` });
  },
  'sign a child': (world, tag) => {
    const { manifests = [] } = JSON.parse(
      String(world.repository.manifests.get(taggedManifest(world, tag).digest)?.bytes),
    ) as { manifests?: Descriptor[] };
    for (const child of manifests) signByTag(world.repository, child);
  },
  unsign: (world, tag) =>
    void world.repository.tags.delete(companionName(taggedManifest(world, tag), '.sig')),
  'add a referrer': (world, tag) => {
    world.next += 1;
    signByReferrer(world.repository, taggedManifest(world, tag), `${world.next}`);
  },
  'add an SBOM, and sign it': (world, tag) =>
    void signByTag(
      world.repository,
      attach(world.repository, taggedManifest(world, tag), 'application/spdx+json'),
    ),
  'remove referrers': (world, tag) => {
    for (const referrer of referrersOf(world.repository, taggedManifest(world, tag).digest))
      removeManifest(world.repository, referrer);
  },
  'fallback tag': (world, tag) => {
    const image = taggedManifest(world, tag);
    world.next += 1;
    const manifests = [signByReferrer(world.repository, image, `fallback-${world.next}`)];
    addIndex(world.repository, { manifests, tag: companionName(image) });
  },
  'lose a blob here': async ({ repository }) => {
    const [digest = ''] = [...repository.blobs.keys()];
    await rm(join(opened.stage.harness.folder, 'blobs', ...digest.split(':')), { force: true });
  },
  'take another rule': async ({ scene }, tag) => {
    await opened.stage.harness.updateRemote(scene.ids.remoteId, { excludeTags: [tag] });
  },
};
/** After these, a sync that removes nothing leaves what the upstream lacks, and each look leaves the decision to a sync. */
export const leavesMore = new Set([
  'unsign',
  'remove referrers',
  'fallback tag',
  'move',
  'move to an index',
  'remove',
  'sign',
]);
