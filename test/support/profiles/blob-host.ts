import type { IncomingMessage } from 'node:http';
import type { Digest } from '../../../src/oci/digest.ts';
import type { CannedAnswer, FakeUpstream } from '../upstream/fake-upstream.ts';
import type { ProfileContent } from './content.ts';
import { notFound } from './resources.ts';
import type { RegistryProfile } from './profile.ts';

export interface BlobHost {
  /** What the registry answers to a request for a blob. */
  answer(request: IncomingMessage, digest: Digest): CannedAnswer;
}

interface BlobHostParts {
  readonly profile: RegistryProfile;
  readonly content: ProfileContent;
  readonly openForeign: (answer: (request: IncomingMessage) => CannedAnswer) => Promise<FakeUpstream>;
  readonly complain: (request: IncomingMessage, why: string) => CannedAnswer;
}

/** Blobs from the registry itself, or from a host that takes signed addresses exactly as they were given out. */
export async function openBlobHost(parts: BlobHostParts): Promise<BlobHost> {
  const { profile, content, openForeign, complain } = parts;
  const { redirect, contentType = 'application/octet-stream' } = profile.blobs ?? {};
  const serve = (request: IncomingMessage, digest: Digest | undefined): CannedAnswer => {
    const bytes = digest === undefined ? undefined : content.repository.blobs.get(digest);
    return bytes === undefined ? notFound(profile) : ranged(request, bytes, contentType);
  };
  if (redirect === undefined) return { answer: serve };
  const signed = new Map<string, Digest>();
  const host = await openForeign((request) => {
    const digest = signed.get(request.url ?? '');
    if (digest === undefined) return complain(request, 'this address was not given out');
    return serve(request, digest);
  });
  return {
    answer(_request, digest) {
      if (!content.repository.blobs.has(digest)) return notFound(profile);
      const target = redirect.target(digest);
      signed.set(target, digest);
      return { status: redirect.status, headers: { location: `${host.url}${target}` } };
    },
  };
}

function ranged(request: IncomingMessage, bytes: Buffer, contentType: string): CannedAnswer {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start === 0) return { headers: { 'content-type': contentType }, body: bytes };
  return {
    status: 206,
    headers: {
      'content-type': contentType,
      'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    },
    body: bytes.subarray(start),
  };
}
