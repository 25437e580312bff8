import { expect, test } from 'vitest';
import { parseManifest } from '../../src/oci/manifest/manifest-parse.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { inlineMaxBytes, parseManifestDocument } from '../../src/threads/parse-manifest.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';

allowStalls(10_000, 'each document is parsed on this thread too, to compare');

const { ociConfig, ociIndex, ociLayerGzip, ociManifest } = mediaTypes;

function descriptor(number: number, mediaType: string): object {
  const digest = `sha256:${number.toString(16).padStart(64, '0')}`;
  return { mediaType, digest, size: number, platform: { os: 'linux', architecture: 'amd64' } };
}

function list(length: number, mediaType: string): object[] {
  return Array.from({ length }, (_, number) => descriptor(number, mediaType));
}

const large: readonly (readonly [string, object, string | undefined])[] = [
  [
    'an image of 1,300 layers',
    { schemaVersion: 2, config: descriptor(1, ociConfig), layers: list(1_300, ociLayerGzip) },
    ociManifest,
  ],
  [
    'an index of 1,000',
    { schemaVersion: 2, mediaType: ociIndex, manifests: list(1_000, ociManifest) },
    undefined,
  ],
  [
    'an image with a subject and long annotations',
    {
      schemaVersion: 2,
      config: descriptor(1, ociConfig),
      layers: list(2, ociLayerGzip),
      subject: descriptor(3, ociManifest),
      annotations: { note: 'x'.repeat(2 * inlineMaxBytes) },
    },
    ociManifest,
  ],
];

test.each(large)('%s is read as on this thread', async (_name, document, contentType) => {
  const bytes = Buffer.from(JSON.stringify(document));
  expect(bytes.length).toBeGreaterThan(inlineMaxBytes);
  expect(await parseManifestDocument(bytes, contentType)).toEqual(parseManifest(bytes, contentType));
});

test.each([
  ['is no JSON', `{"a":"${'x'.repeat(inlineMaxBytes)}"`, 'MANIFEST_INVALID'],
  ['has 30,000 descriptors', JSON.stringify({ manifests: list(30_000, ociManifest) }), 'INDEX_TOO_LARGE'],
  ['has two million values', `{"a":[${'0,'.repeat(2_000_000)}0]}`, 'MANIFEST_INVALID'],
  ['has a million lists', `{"a":[${'[],'.repeat(1_000_000)}0]}`, 'MANIFEST_INVALID'],
])('one that %s is refused as on this thread', async (_name, text, code) => {
  const bytes = Buffer.from(text);
  const refused = await parseManifestDocument(bytes, ociIndex).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code, retryable: false, origin: 'upstream' });
  expect(() => parseManifest(bytes, ociIndex)).toThrow((refused as Error).message);
});

test('an abort ends it with the reason given', async () => {
  const bytes = Buffer.from(`{"a":"${'x'.repeat(inlineMaxBytes)}"}`);
  const reason = new Error('nobody waits');
  await expect(parseManifestDocument(bytes, ociIndex, { signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
});
