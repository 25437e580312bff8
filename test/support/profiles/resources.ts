import type { IncomingMessage } from 'node:http';
import type { Digest } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { json } from '../upstream/fake-upstream.ts';
import type { CannedAnswer } from '../upstream/fake-upstream.ts';
import { referrersIndex, referrersOf } from '../signatures/signed-sample.ts';
import type { Playing } from './engine.ts';
import type { RegistryProfile } from './profile.ts';

export function manifestAnswer(playing: Playing, request: IncomingMessage, reference: string): CannedAnswer {
  const { profile, content } = playing;
  const {
    head = 'full',
    statesDigest = true,
    entityTag = false,
    needsAccept = false,
  } = profile.manifests ?? {};
  const isHead = request.method === 'HEAD';
  if (isHead && head === 'refused') return { status: 405 };
  if (isHead && head === 'missing') return { status: 404 };
  const document = content.repository.manifests.get(resolve(playing, reference));
  if (document === undefined) return notFound(profile, 'MANIFEST_UNKNOWN');
  const { digest, mediaType, bytes } = document;
  if (needsAccept && !(request.headers.accept ?? '').includes(mediaType))
    return notFound(profile, 'MANIFEST_UNKNOWN');
  if (entityTag && request.headers['if-none-match'] === `"${digest}"`) return { status: 304 };
  const headers: Record<string, string> = { 'content-type': mediaType, ...windowHeaders(playing, isHead) };
  if (playing.countedGets > (profile.manifests?.countedGets ?? Infinity)) return exhausted(headers);
  if (isHead ? head !== 'no-digest' : statesDigest) headers['docker-content-digest'] = digest;
  if (entityTag) headers['etag'] = `"${digest}"`;
  if (isHead && head === 'no-length') headers['content-length'] = '0';
  return { headers, body: bytes };
}

function resolve({ profile, content }: Playing, reference: string): Digest {
  const tagged = content.repository.tags.get(reference);
  if (tagged !== undefined) return tagged;
  // oras-project/oras-go#1396
  const isPhantom = profile.referrers.kind === 'phantom' && /^sha256-[a-f0-9]{64}$/.test(reference);
  return (isPhantom ? reference.replace('-', ':') : reference) as Digest;
}

/** "Docker Hub pull usage and limits", docs.docker.com: told on GET and HEAD, and GETs alone are counted. */
function windowHeaders(playing: Playing, isHead: boolean): Record<string, string> {
  const limit = playing.profile.manifests?.countedGets;
  if (limit === undefined) return {};
  if (!isHead) playing.countedGets += 1;
  return {
    'ratelimit-limit': `${limit};w=21600`,
    'ratelimit-remaining': `${Math.max(0, limit - playing.countedGets)};w=21600`,
  };
}

function exhausted(headers: Record<string, string>): CannedAnswer {
  return json(
    { errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }] },
    { ...headers, 'content-type': 'application/json' },
    429,
  );
}

export function referrersAnswer(playing: Playing, subject: Digest): CannedAnswer {
  const { profile, content, elsewhereUrl } = playing;
  const { referrers } = profile;
  switch (referrers.kind) {
    case 'api':
      return referrersIndex(referrersOf(content.repository, subject), {
        'content-type': mediaTypes.ociIndex,
      });
    case 'redirect':
      return { status: referrers.status, headers: { location: `${elsewhereUrl()}/referrers/sha256` } };
    case 'phantom':
      return { ...notFound(profile), status: referrers.status };
    case 'fallback-tag': {
      const { challenge } = referrers;
      const given = { ...notFound(profile), status: referrers.status };
      return challenge === undefined
        ? given
        : { ...given, headers: { ...given.headers, 'www-authenticate': challenge } };
    }
  }
}

export function notFound({ notFound: form = 'json' }: RegistryProfile, code = 'NOT_FOUND'): CannedAnswer {
  if (form === 'text')
    return {
      status: 404,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: '404 page not found\n',
    };
  if (form === 'html')
    return {
      status: 404,
      headers: { 'content-type': 'text/html' },
      body: '<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>',
    };
  return json({ errors: [{ code, message: 'not there' }] }, {}, 404);
}
