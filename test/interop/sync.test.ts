/** Syncs from registries that others wrote, and what other clients see there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeDemoContent } from '../../src/demo/demo-content.ts';
import {
  addImage,
  addIndex,
  addLayer,
  createSampleRepository,
  moveTag,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { parseManifest, successors } from '../../src/oci/manifest/manifest-parse.ts';
import { demoContent } from '../support/upstream/demo-content.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import { runPeer, skipWithout, startRegistry } from './peers.ts';
import { deleteTag, pushSample } from './push-sample.ts';
import type { PeerName, RealRegistry, RegistryName } from './peers.ts';

const name = 'team/shop';

describe.each<RegistryName>(['docker-registry', 'crane'])('a sync from %s', (registryName) => {
  describe.skipIf(skipWithout(registryName))('', () => {
    let harness: SyncHarness;
    let registry: RealRegistry;
    beforeAll(async () => {
      [harness, registry] = await Promise.all([startSyncHarness(), startRegistry(registryName)]);
    });
    afterAll(async () => {
      await Promise.all([harness?.close(), registry?.stop()]);
    });

    test('has exactly what was pushed; again makes no version; a mirror sync follows the change', async () => {
      const content = demoContent();
      await pushSample(registry.url, name, content);
      const ids = await harness.createRepository({ url: registry.url, upstreamName: name });

      const first = await harness.sync(ids);
      expect(first.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
      expect(first.warnings).toEqual([]);
      await expectVersion(harness, { repositoryId: ids.repositoryId, version: 1, content });

      const again = await harness.sync(ids);
      expect(again.task).toMatchObject({ state: 'COMPLETED', createdVersion: null, errorMessage: null });

      const before = { ...content, tags: new Map(content.tags) };
      const { removed } = changeDemoContent(content);
      await pushSample(registry.url, name, content);
      await deleteTag(registry.url, name, removed, before.tags.get(removed) ?? ('' as Digest));
      const second = await harness.sync(ids, { mirror: true });
      expect(second.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2, errorMessage: null });
      await expectVersion(harness, { repositoryId: ids.repositoryId, version: 2, content });
      await expectVersion(harness, { repositoryId: ids.repositoryId, version: 1, content: before });
      expect(await harness.partialFiles()).toEqual([]);
    });

    test('takes an index of indexes, and names without listing', async () => {
      const content = createSampleRepository();
      const base = addLayer(content, 'deep-base', 300_000);
      const inner = ['amd64', 'arm64'].map((architecture) =>
        addIndex(content, {
          manifests: [
            addImage(content, {
              seed: `deep-${architecture}`,
              layers: [base, 1000],
              platform: { os: 'linux', architecture },
            }),
          ],
        }),
      );
      addIndex(content, { manifests: inner, tag: 'deep' });
      addImage(content, { seed: 'other', layers: [2000], tag: 'other' });
      await pushSample(registry.url, 'team/deep', content);
      const ids = await harness.createRepository({
        url: registry.url,
        upstreamName: 'team/deep',
        includeTags: ['deep'],
      });
      const { task } = await harness.sync(ids);
      expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
      content.tags.delete('other');
      await expectVersion(harness, { repositoryId: ids.repositoryId, version: 1, content });
    });

    test('lists more tags than fit in one page, whether the registry sends a Link or not', async () => {
      const content = createSampleRepository();
      const image = addImage(content, { seed: 'many', layers: [1000], tag: 'v0000' });
      for (let number = 1; number <= 1_005; number += 1)
        moveTag(content, `v${String(number).padStart(4, '0')}`, image);
      await pushSample(registry.url, 'team/many', content);
      const ids = await harness.createRepository({ url: registry.url, upstreamName: 'team/many' });
      const { task } = await harness.sync(ids);
      expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
      expect(await harness.tags(ids.repositoryId, 1)).toEqual(sorted(content.tags));
    });

    /** Each asks for the digest of what `reference` names, without taking anything apart. */
    const clients: Record<
      Extract<PeerName, 'crane' | 'skopeo' | 'regctl' | 'oras'>,
      (reference: string) => Promise<string>
    > = {
      crane: async (reference) => String(await runPeer('crane', 'digest', reference)).trim(),
      skopeo: async (reference) =>
        digestBytes(
          await runPeer('skopeo', 'inspect', '--tls-verify=false', '--raw', `docker://${reference}`),
        ),
      regctl: async (reference) => {
        const host = `reg=${reference.split('/', 1)[0]},tls=disabled`;
        return String(await runPeer('regctl', '--host', host, 'manifest', 'head', reference)).trim();
      },
      oras: async (reference) => {
        const text = await runPeer('oras', 'manifest', 'fetch', '--plain-http', '--descriptor', reference);
        return (JSON.parse(String(text)) as { digest: string }).digest;
      },
    };

    for (const [client, readDigest] of Object.entries(clients)) {
      test.skipIf(skipWithout(client as PeerName))(
        `${client} sees the digests that were synced`,
        async () => {
          const content = demoContent();
          const upstreamName = `seen-by/${client}`;
          await pushSample(registry.url, upstreamName, content);
          const ids = await harness.createRepository({ url: registry.url, upstreamName });
          const { task } = await harness.sync(ids);
          expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
          const seen = new Map<string, string>();
          for (const tag of content.tags.keys())
            seen.set(tag, await readDigest(`${registry.host}/${upstreamName}:${tag}`));
          expect(await harness.tags(ids.repositoryId, 1)).toEqual(sorted(seen));
        },
      );
    }
  });
});

interface ExpectedVersion {
  readonly repositoryId: number;
  readonly version: number;
  readonly content: SampleRepository;
}

/** The version holds the sample's tags and what they reach, nothing else, and the blob files hold what their names say. */
async function expectVersion(harness: SyncHarness, expected: ExpectedVersion): Promise<void> {
  const { repositoryId, version, content } = expected;
  const reached = reachedDigests(content);
  expect(await harness.tags(repositoryId, version)).toEqual(sorted(content.tags));
  expect(await harness.content(repositoryId, version, 'manifest')).toEqual(reached.manifests);
  expect(await harness.content(repositoryId, version, 'blob')).toEqual(reached.blobs);
  const files = await harness.storedFiles();
  expect(files).toEqual(
    expect.arrayContaining(reached.blobs.map((digest) => digest.slice('sha256:'.length))),
  );
  for (const file of files) {
    const bytes = await readFile(join(harness.folder, 'blobs', 'sha256', file));
    expect(digestBytes(bytes)).toBe(`sha256:${file}`);
  }
}

/** What the tags of a sample reach, sorted: a referrer that has no tag is not among it. */
function reachedDigests(content: SampleRepository): { manifests: string[]; blobs: string[] } {
  const manifests = new Set<string>();
  const blobs = new Set<string>();
  const open = [...content.tags.values()];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    const document = content.manifests.get(digest);
    if (document === undefined) {
      blobs.add(digest);
    } else if (!manifests.has(digest)) {
      manifests.add(digest);
      open.push(...successors(parseManifest(document.bytes, document.mediaType)).map((one) => one.digest));
    }
  }
  return { manifests: [...manifests].sort(), blobs: [...blobs].sort() };
}

function sorted(tags: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...tags].sort(([one], [other]) => (one < other ? -1 : 1)));
}
