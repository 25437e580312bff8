/** What the clients pull, and whether they have it. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildDemoContent } from '../../src/demo/demo-content.ts';
import { addArtifact, addImage } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';

export const content = buildDemoContent();
export const signed = addImage(content, { seed: 'interop', layers: [50_000], tag: 'signed' });
// tagged, because a sync does not look for referrers yet
export const signature = addArtifact(content, {
  seed: 'interop-signature',
  artifactType: 'application/vnd.example.signature',
  layers: [{ mediaType: 'application/octet-stream', sizeBytes: 100 }],
  subject: signed,
  annotations: { signer: 'test' },
  tag: 'signature',
});

/** What stands in the folder that `work` was given, by path. */
export async function inFolder(work: (folder: string) => Promise<unknown>): Promise<Map<string, Buffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-pulled-'));
  try {
    await work(folder);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return new Map(
      await Promise.all(
        files.map(async (entry): Promise<[string, Buffer]> => [
          join(entry.parentPath, entry.name).slice(folder.length + 1),
          await readFile(join(entry.parentPath, entry.name)),
        ]),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files named by a digest hold what their name says, and are all content of the sample; answers how many there were. */
export function expectDigests(
  files: ReadonlyMap<string, Buffer>,
  toDigest: (path: string) => string | undefined,
): number {
  let count = 0;
  for (const [path, bytes] of files) {
    const digest = toDigest(path);
    if (digest === undefined) continue;
    expect(digestBytes(bytes)).toBe(digest);
    expect(content.blobs.has(digest as Digest) || content.manifests.has(digest as Digest)).toBe(true);
    count += 1;
  }
  return count;
}

export function manifestOf(tag: string): Buffer | undefined {
  return content.manifests.get(content.tags.get(tag) ?? ('' as Digest))?.bytes;
}

export function layoutDigest(path: string): string | undefined {
  const hex = /^blobs\/sha256\/([a-f0-9]{64})$/.exec(path)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
