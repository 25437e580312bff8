/** Content of the samples, pushed to a real registry. */
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';

/** Uploads a sample through the push API (distribution-spec "Pushing"): blobs, then manifests in the order they were made. */
export async function pushSample(url: string, name: string, sample: SampleRepository): Promise<void> {
  for (const [digest, bytes] of sample.blobs) await pushBlob(url, name, { digest, bytes });
  for (const { digest, mediaType, bytes } of sample.manifests.values()) {
    const tags = [...sample.tags].filter(([, target]) => target === digest).map(([tag]) => tag);
    for (const reference of [digest, ...tags]) {
      await send(`${url}/v2/${name}/manifests/${reference}`, 201, {
        method: 'PUT',
        headers: { 'content-type': mediaType },
        body: new Uint8Array(bytes),
      });
    }
  }
}
/** Removes a tag; where a registry cannot (distribution 2.8), the manifest with every tag on it. */
export async function deleteTag(url: string, name: string, tag: string, digest: Digest): Promise<void> {
  const byTag = await fetch(`${url}/v2/${name}/manifests/${tag}`, { method: 'DELETE' });
  await byTag.arrayBuffer();
  if (byTag.status !== 202) await send(`${url}/v2/${name}/manifests/${digest}`, 202, { method: 'DELETE' });
}
async function pushBlob(
  url: string,
  name: string,
  blob: { readonly digest: Digest; readonly bytes: Buffer },
): Promise<void> {
  const started = await send(`${url}/v2/${name}/blobs/uploads/`, 202, { method: 'POST' });
  const location = new URL(started.headers.get('location') ?? '', url);
  location.searchParams.set('digest', blob.digest);
  await send(location.href, 201, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(blob.bytes),
  });
}
async function send(url: string, expected: number, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const body = await response.text();
  if (response.status === expected) return response;
  throw new Error(`${init.method} ${url}: ${response.status}, expected ${expected}: ${body.slice(0, 500)}`);
}
