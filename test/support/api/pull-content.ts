/** What the tests of pulls serve, and rows that say what is answered. */
import { expect } from 'vitest';
import {
  addArtifact,
  addBlob,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { pull } from './pull.ts';
import type { PullScene } from './pull-scene.ts';

export const sample = createSampleRepository();
export const blob = addBlob(sample, Buffer.from('0123456789'), 'text/plain');
export const empty = addBlob(sample, Buffer.alloc(0), 'text/plain');
export const amd64 = addImage(sample, { seed: 'amd64', layers: [3_000], tag: 'image' });
export const docker = addImage(sample, { seed: 'docker', layers: [2_000], format: 'docker', tag: 'docker' });
export const index = addIndex(sample, { manifests: [amd64], tag: 'index' });
export const opaque = addManifest(
  sample,
  Buffer.from('not json \u00e9'),
  'application/vnd.example.thing',
  'opaque',
);
export const longBlob = { digest: digestBytes(Buffer.from('long'), 'sha512'), bytes: Buffer.from('long') };
sample.blobs.set(longBlob.digest, longBlob.bytes);
export const longDocument = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
);
export const longManifest = digestBytes(longDocument, 'sha512');
sample.manifests.set(longManifest, {
  digest: longManifest,
  mediaType: mediaTypes.ociIndex,
  bytes: longDocument,
});
sample.tags.set('long', longManifest);
export const bom = addArtifact(sample, {
  seed: 'bom',
  artifactType: 'application/spdx+json',
  layers: [{ mediaType: 'application/spdx+json', sizeBytes: 50 }],
  subject: amd64,
  annotations: { made: 'today' },
});
export const signature = addArtifact(sample, {
  seed: 'signature',
  configMediaType: 'application/vnd.example.signature',
  subject: amd64,
});
export const attached = addImage(sample, { seed: 'attached', layers: [], subject: amd64 });

export const other = createSampleRepository();
export const secret = addBlob(other, Buffer.from('of another repository'), 'text/plain');
export const otherImage = addImage(other, { seed: 'other', layers: [], tag: 'only-there' });

export const unknownDigest = `sha256:${'0'.repeat(64)}`;

export interface Row {
  readonly name: string;
  readonly method?: string;
  /** After `/v2/team/shop/`, or from the start where it begins with a slash. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly expectHeaders?: Record<string, string | undefined>;
  readonly body?: Buffer | string | object;
  /** Of the error. */
  readonly code?: string;
}

/** Checks an answer against its row. */
export function pullChecks(given: () => { readonly scene: PullScene }) {
  async function check(row: Row): Promise<void> {
    const path = row.path.startsWith('/') ? row.path : `/v2/team/shop/${row.path}`;
    const answer = await pull(given().scene.api.url, { method: row.method, path, headers: row.headers });
    expect({ status: answer.status, body: answer.body.toString() }).toMatchObject({ status: row.status });
    for (const [name, value] of Object.entries(row.expectHeaders ?? {}))
      expect([name, answer.headers[name]]).toEqual([name, value]);
    if (row.body !== undefined) {
      if (Buffer.isBuffer(row.body)) expect(answer.body).toEqual(row.body);
      else if (typeof row.body === 'string') expect(answer.body.toString()).toBe(row.body);
      else expect(JSON.parse(answer.body.toString())).toEqual(row.body);
    }
    if (row.code !== undefined && row.method !== 'HEAD') {
      const { errors } = JSON.parse(answer.body.toString()) as {
        errors: { code: string; message: string }[];
      };
      expect(errors).toEqual([{ code: row.code, message: expect.any(String) as string, detail: null }]);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
    }
    expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
  }

  /** HEAD says what GET does, without the body. */
  async function checkHead(row: Row): Promise<void> {
    const { body: _body, ...head } = row;
    await check({ ...head, method: 'HEAD', body: '' });
  }

  return { check, checkHead };
}
