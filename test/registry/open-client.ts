import type { LookupFunction } from 'node:net';
import { onTestFinished } from 'vitest';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { ContentBody, ContentKey } from '../../src/oci/content-source.ts';
import { isTidemarkError } from '../../src/oci/error.ts';
import type { TidemarkError } from '../../src/oci/error.ts';
import { openRegistry } from '../../src/registry/client.ts';
import type { Registry, RegistryOptions } from '../../src/registry/registry.ts';
import type { ClientSettings } from '../../src/registry/requester.ts';
import { classifyAddress } from '../../src/oci/hosts/address.ts';
import { fixture, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { CannedAnswer, FakeUpstream, FakeUpstreamOptions } from '../support/upstream/fake-upstream.ts';

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const fixtureCa = fixture('ca.pem');

/** An upstream that is closed when the test ends. */
export async function openUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const upstream = await openFakeUpstream(options);
  onTestFinished(async () => upstream.close());
  return upstream;
}

/** A client of `library/app` that allows loopback and waits a millisecond between tries, closed when the test ends. */
export function openClient(
  upstream: Pick<FakeUpstream, 'url'>,
  options: Partial<RegistryOptions> = {},
  settings: ClientSettings = {},
): Registry {
  const registry = openRegistry(
    { url: upstream.url, upstreamName: 'library/app', allowPrivate: true, ...options },
    { retryBaseMs: 1, ...settings },
  );
  onTestFinished(async () => registry.close());
  return registry;
}

/** What is thrown, which must be one of our errors. */
export async function failure(work: Promise<unknown>): Promise<TidemarkError> {
  try {
    await work;
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  throw new Error('expected an error, and there was none');
}

/** A manifest's document, and the answer that a right registry gives for it. */
export function manifestOf(text = '{"schemaVersion":2}'): {
  bytes: Buffer;
  digest: string;
  answer: CannedAnswer;
} {
  const bytes = Buffer.from(text);
  const digest = digestBytes(bytes);
  return {
    bytes,
    digest,
    answer: { headers: { 'content-type': ociManifest, 'docker-content-digest': digest }, body: bytes },
  };
}

/** Bytes that differ from place to place, so that a wrong offset shows. */
export function blobOf(sizeBytes: number): { bytes: Buffer; key: ContentKey; path: string } {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) bytes[at] = (at * 31 + (at >> 8)) & 255;
  const digest = digestBytes(bytes);
  return {
    bytes,
    key: { digest, size: sizeBytes, mediaType: 'application/octet-stream' },
    path: `/v2/library/app/blobs/${digest}`,
  };
}

export async function readBody(body: ContentBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** 127.0.0.2 plays a public address. */
export const publicLoopback: typeof classifyAddress = (address) =>
  address === '127.0.0.2' ? 'public' : classifyAddress(address);

/** A name service that knows these names only; where a name has several addresses, each answer takes the next. */
export function namesOf(addresses: Readonly<Record<string, readonly string[]>>): LookupFunction {
  const asked = new Map<string, number>();
  return (hostname, options, callback) => {
    const known = addresses[hostname] ?? [];
    const turn = asked.get(hostname) ?? 0;
    asked.set(hostname, turn + 1);
    const address = known[Math.min(turn, known.length - 1)];
    if (address === undefined)
      return callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '', 0);
    if (options.all === true) callback(null, [{ address, family: 4 }]);
    else callback(null, address, 4);
  };
}
