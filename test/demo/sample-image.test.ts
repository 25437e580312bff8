import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { buildDemoContent, changeDemoContent } from '../../src/demo/demo-content.ts';
import {
  addArtifact,
  addImage,
  addIndex,
  addManifest,
  blobBytes,
  createSampleRepository,
  moveTag,
  removeTag,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { buildLayer, seededBytes } from '../../src/demo/sample-layer.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { parseConfigPlatform, parseManifest, successors } from '../../src/oci/manifest/manifest-parse.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';

/** Digests below the tags and referrers that are named and not there. */
function missing(repository: SampleRepository): string[] {
  return [...repository.manifests.values()].flatMap((document) =>
    successors(parseManifest(document.bytes, document.mediaType)).flatMap(({ digest, size }) => {
      const bytes = repository.blobs.get(digest) ?? repository.manifests.get(digest)?.bytes;
      return bytes?.length === size ? [] : [digest];
    }),
  );
}

describe('seeded layers', () => {
  test('the same seed gives the same bytes on every machine, another seed others', () => {
    expect(buildLayer('seed', 100_000).digest).toBe(
      'sha256:6c80287c07632b53ab644f9d4bc6267ed5d9fb076838f5c8dc99ae9feffb6c1e',
    );
    expect(seededBytes('a', 64).equals(seededBytes('a', 64))).toBe(true);
    expect(seededBytes('a', 64).equals(seededBytes('b', 64))).toBe(false);
  });

  test.each([0, 1, 511, 512, 65_535, 200_000])(
    'a layer of %i bytes is a gzipped tar of one file',
    (sizeBytes) => {
      const layer = buildLayer('x/y', sizeBytes);
      const tar = gunzipSync(layer.bytes);
      expect(digestBytes(tar)).toBe(layer.diffId);
      expect(tar.length % 512).toBe(0);
      const content = execFileSync('tar', ['-xzO', '-f', '-', 'sample/x-y.bin'], { input: layer.bytes });
      expect(content.equals(seededBytes('x/y', sizeBytes))).toBe(true);
    },
  );
});

describe('sample repositories', () => {
  test.each(['oci', 'docker'] as const)(
    'an image in %s media types is whole and names its platform',
    (format) => {
      const repository = createSampleRepository();
      const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
      const descriptor = addImage(repository, { seed: 's', layers: [10, 20], format, platform, tag: 'v1' });
      expect(repository.tags.get('v1')).toBe(descriptor.digest);
      const document = repository.manifests.get(descriptor.digest);
      const parsed = parseManifest(document?.bytes ?? Buffer.alloc(0), document?.mediaType);
      expect(parsed.mediaType).toContain(format === 'docker' ? '.docker.' : '.oci.');
      expect(parsed.layers).toHaveLength(2);
      const config = parsed.config && repository.blobs.get(parsed.config.digest);
      expect(config && parseConfigPlatform(config)).toEqual(platform);
      const { rootfs } = JSON.parse(String(config)) as { rootfs: { diff_ids: string[] } };
      const diffIds = parsed.layers.map(({ digest }) =>
        digestBytes(gunzipSync(repository.blobs.get(digest) ?? Buffer.alloc(0))),
      );
      expect(rootfs.diff_ids).toEqual(diffIds);
      expect(missing(repository)).toEqual([]);
    },
  );

  test('an index keeps its children and their platforms', () => {
    const repository = createSampleRepository();
    const child = addImage(repository, { seed: 's', layers: [1] });
    const index = addIndex(repository, { manifests: [child], tag: 'v1' });
    const document = repository.manifests.get(index.digest);
    expect(parseManifest(document?.bytes ?? Buffer.alloc(0), document?.mediaType).manifests).toEqual([child]);
  });

  test('an artifact refers to its subject and keeps its unknown types', () => {
    const repository = createSampleRepository();
    const subject = addImage(repository, { seed: 's', layers: [1] });
    const layers = [{ mediaType: 'application/x-unknown', sizeBytes: 9 }];
    const { digest } = addArtifact(repository, {
      seed: 'a',
      configMediaType: 'application/x',
      layers,
      subject,
    });
    const parsed = parseManifest(repository.manifests.get(digest)?.bytes ?? Buffer.alloc(0), undefined);
    expect(parsed).toMatchObject({
      artifactType: 'application/x',
      subject: { digest: subject.digest },
      layers: [{ mediaType: 'application/x-unknown', size: 9 }],
    });
    expect(missing(repository)).toEqual([]);
  });

  test('a document is taken byte for byte; tags move and go; what is not there cannot be tagged or removed', () => {
    const repository = createSampleRepository();
    const one = addManifest(repository, Buffer.from('not json'), 'application/x', 'a');
    const two = addManifest(repository, {}, mediaTypes.ociManifest);
    expect(repository.manifests.get(one.digest)?.bytes.toString()).toBe('not json');
    moveTag(repository, 'a', two);
    expect(repository.tags.get('a')).toBe(two.digest);
    removeTag(repository, 'a');
    expect(repository.tags.size).toBe(0);
    expect(() => removeTag(repository, 'a')).toThrow('The tag a was not found');
    expect(() => moveTag(repository, 'a', { digest: digestBytes(Buffer.from('x')) })).toThrow(
      'was not found',
    );
  });
});

/** Built before the tests begin: 20 MB are generated and hashed. */
const twins = [buildDemoContent(), buildDemoContent()] as const;

describe('demo content', () => {
  test('six tags, two of them multi-arch in each format, shared layers, some 20 MB, the same every time', () => {
    const [repository, twin] = twins;
    expect([...repository.tags.keys()].sort()).toEqual(['1.0', '1.1', 'chart', 'debug', 'latest', 'tools']);
    const types = ['1.0', '1.1'].map((tag) => {
      const digest = repository.tags.get(tag);
      return digest && repository.manifests.get(digest)?.mediaType;
    });
    expect(types).toEqual([mediaTypes.ociIndex, mediaTypes.dockerManifestList]);
    expect(repository.tags.get('latest')).toBe(repository.tags.get('1.1'));
    expect(blobBytes(repository)).toBeGreaterThan(18_000_000);
    expect(blobBytes(repository)).toBeLessThan(22_000_000);
    expect(missing(repository)).toEqual([]);
    expect(fingerprint(repository)).toBe(fingerprint(twin));
  });

  test('the change adds one tag, moves one and removes one', () => {
    const repository = twins[1];
    const before = new Map(repository.tags);
    expect(changeDemoContent(repository)).toEqual({ added: '1.2', moved: 'latest', removed: '1.0' });
    expect(before.has('1.2')).toBe(false);
    expect(repository.tags.get('latest')).toBe(repository.tags.get('1.2'));
    expect(repository.tags.get('latest')).not.toBe(before.get('latest'));
    expect(repository.tags.has('1.0')).toBe(false);
    expect(missing(repository)).toEqual([]);
  });
});

function fingerprint(repository: SampleRepository): string {
  const hash = createHash('sha256');
  for (const [tag, digest] of repository.tags) hash.update(`${tag} ${digest}\n`);
  return hash.digest('hex');
}
