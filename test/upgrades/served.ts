/** Pushes and pulls, as a client of any version does. */
import { createHash } from 'node:crypto';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';

/** @returns the digest of the body. */
export async function getSha256(url: string): Promise<string> {
  const response = await fetch(url);
  if (response.status !== 200)
    throw new Error(`GET ${url} answered ${response.status}: ${await response.text()}`);
  const body = Buffer.from(await response.arrayBuffer());
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

/** Pushes an image of its own to each tag. */
export async function pushSample(apiUrl: string, name: string, tag: string): Promise<void> {
  const sample = createSampleRepository();
  addImage(sample, { seed: `${name}:${tag}`, layers: [500], tag });
  for (const [digest, bytes] of sample.blobs)
    await send('POST', `${apiUrl}/v2/${name}/blobs/uploads/?digest=${digest}`, bytes);
  for (const { mediaType, bytes } of sample.manifests.values())
    await send('PUT', `${apiUrl}/v2/${name}/manifests/${tag}`, bytes, mediaType);
}

async function send(
  method: string,
  url: string,
  bytes: Uint8Array,
  mediaType = 'application/octet-stream',
): Promise<void> {
  const response = await fetch(url, {
    method,
    body: new Uint8Array(bytes),
    headers: { 'content-type': mediaType },
  });
  if (response.status !== 201)
    throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
}
