import { digestBytes } from '../oci/digest-bytes.ts';
import { digestAlgorithm, isDigest, parseDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import type { Descriptor } from '../oci/manifest/descriptor.ts';
import { TidemarkError, isTidemarkError, quoteValue } from '../oci/error.ts';
import type { ManifestDocument } from '../oci/manifest/manifest.ts';
import { isGenericType, isMediaType, manifestAccept, parseContentType } from '../oci/manifest/media-type.ts';
import { isTagName } from '../oci/tag-name.ts';
import { readUpTo } from './transport/body.ts';
import { contentCoding, decodedBody } from './transport/content-coding.ts';
import { contentLength, describeUrl, singleHeader } from './transport/exchange.ts';
import type { HttpResponse } from './transport/exchange.ts';
import { checkStatus, isThrottle, isWebPage, notARegistry } from './status.ts';
import type { ManifestQuota } from './manifest-quota.ts';
import { requestManifest } from './request-manifest.ts';
import type { Requester } from './requester.ts';

const accept = manifestAccept.join(', ');

export interface ManifestRequest {
  readonly requester: Requester;
  /** `…/v2/<name>/manifests/<reference>` */
  readonly url: URL;
  readonly reference: string;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** The digest that the reference had before. */
  readonly known?: Digest | undefined;
  readonly tags: EntityTags;
  readonly quota: ManifestQuota | undefined;
}

/** Whether the ETag of this registry's manifests is their digest, by an earlier answer. Then requests are conditional. */
export interface EntityTags {
  areDigests: boolean;
}

/** Validates a tag or digest before it becomes part of a URL. @throws TidemarkError `TAG_INVALID`, or as `parseDigest`. */
export function checkReference(reference: string): string {
  if (reference.includes(':')) return parseDigest(reference);
  if (isTagName(reference)) return reference;
  throw new TidemarkError(
    'TAG_INVALID',
    `${quoteValue(reference)} is neither a tag nor a digest; expected a letter, digit or _, then up to 127 letters, digits, _ . -.`,
  );
}

/** distribution-spec, "Pulling manifests". Undefined on 404; `known` on 304. */
export async function fetchManifest(
  request: ManifestRequest,
  known?: ManifestDocument,
): Promise<ManifestDocument | undefined> {
  const { url, signal, tags } = request;
  const asked = tags.areDigests ? known : undefined;
  const headers = conditional(asked?.digest);
  const input = { method: 'GET', url, headers, signal } as const;
  const fetched = await requestManifest(request, input, async (response, sent) => {
    if (response.status === 404) {
      await response.discard();
      return undefined;
    }
    if (response.status === 304 && asked !== undefined) {
      await response.discard();
      return (statedDigest(response) ?? asked.digest) === asked.digest ? asked : 'other';
    }
    await checkStatus(sent, response, 200);
    if (isWebPage(response)) {
      await response.discard();
      throw notARegistry(sent, 'a web page (Content-Type text/html)');
    }
    return readManifest(request, response);
  });
  return fetched === 'other' ? fetchManifest(request) : fetched;
}

/** The headers of a manifest request that is conditional on a digest. */
function conditional(known: Digest | undefined): Record<string, string> {
  return known === undefined ? { accept } : { accept, 'if-none-match': `"${known}"` };
}

function learnTags(tags: EntityTags, response: HttpResponse, digest: Digest): void {
  if (response.headers['etag'] === `"${digest}"`) tags.areDigests = true;
}

/**
 * The descriptor by HEAD; `unchanged` on 304; `undecided` if GET must decide. Registries answer HEAD with 401, 403, 404, 405 and 501 for
 * manifests that they serve, so errors decide nothing, except for throttling.
 */
async function headManifest(
  request: ManifestRequest,
): Promise<Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | 'undecided' | 'unchanged'> {
  const { url, signal, tags } = request;
  const known = tags.areDigests ? request.known : undefined;
  const headers = conditional(known);
  try {
    const input = { method: 'HEAD', url, headers, signal } as const;
    return await requestManifest(request, input, async (response, sent) => {
      await response.discard();
      if (response.status === 304 && known !== undefined)
        return (statedDigest(response) ?? known) === known ? 'unchanged' : 'undecided';
      await checkStatus(sent, response, 200);
      return readHead(request, response) ?? 'undecided';
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (!isTidemarkError(error) || error.origin !== 'upstream' || isThrottle(error)) throw error;
    return 'undecided';
  }
}

/** The descriptor by HEAD, else by GET; undefined if GET is answered 404. */
export async function resolveManifest(
  request: ManifestRequest,
): Promise<Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | 'unchanged' | undefined> {
  const found = await headManifest(request);
  if (found !== 'undecided') return found;
  const manifest = await fetchManifest(request);
  return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
}

/** Undefined unless the headers describe the requested manifest. */
function readHead(
  { reference, tags }: ManifestRequest,
  response: HttpResponse,
): Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | undefined {
  const digest = statedDigest(response);
  const size = contentLength(response.headers);
  const mediaType = parseContentType(singleHeader(response.headers, 'content-type'));
  if (digest === undefined || size === undefined || size === 0 || mediaType === undefined) return undefined;
  if (isDigest(reference) && digest !== reference) return undefined;
  if (isGenericType(mediaType) || isWebPage(response) || contentCoding(response) !== undefined)
    return undefined;
  learnTags(tags, response, digest);
  return { digest, size, mediaType };
}

async function readManifest(request: ManifestRequest, response: HttpResponse): Promise<ManifestDocument> {
  const { maxBytes, reference, url } = request;
  const announced = contentLength(response.headers);
  const bytes =
    announced !== undefined && announced > maxBytes
      ? undefined
      : await readUpTo({ body: decodedBody(response) }, maxBytes);
  if (bytes === undefined) {
    await response.discard();
    throw new TidemarkError(
      'MANIFEST_TOO_LARGE',
      `GET ${describeUrl(url)}: the manifest is larger than ${maxBytes} bytes${announced === undefined ? '' : ` (announced: ${announced})`}, so it was not read. Raise the limit to accept it.`,
    );
  }
  const digest = isDigest(reference) ? digestBytes(bytes, digestAlgorithm(reference)) : digestBytes(bytes);
  if (isDigest(reference))
    expectDigest(digest, reference, `GET ${describeUrl(url)} was answered with content of the digest`);
  const stated = statedDigest(response);
  if (stated !== undefined && digestBytes(bytes, digestAlgorithm(stated)) !== stated)
    throw new TidemarkError(
      'DIGEST_MISMATCH',
      `GET ${describeUrl(url)}: Docker-Content-Digest says ${stated}, the content has ${digestBytes(bytes, digestAlgorithm(stated))}. It was not stored. The upstream or a proxy is at fault; push the manifest there again.`,
    );
  learnTags(request.tags, response, digest);
  return { digest, mediaType: mediaTypeOf(response, bytes), bytes };
}

/** @throws TidemarkError as `parseDigest` for an invalid header (fault 43). */
function statedDigest(response: HttpResponse): Digest | undefined {
  const stated = response.headers['docker-content-digest'];
  if (Array.isArray(stated)) return parseDigest(stated.join(', '));
  return stated === undefined || stated === '' ? undefined : parseDigest(stated);
}

function expectDigest(found: Digest, asked: Digest, what: string): void {
  if (found === asked) return;
  throw new TidemarkError(
    'DIGEST_MISMATCH',
    `${what} ${found}; expected ${asked}. It was not stored. The upstream or a proxy is at fault; push the manifest there again.`,
  );
}

/** Content-Type, or the document's `mediaType` if the header is generic (fault 39). */
function mediaTypeOf(response: HttpResponse, bytes: Buffer): string {
  const header = parseContentType(singleHeader(response.headers, 'content-type'));
  if (header !== undefined && !isGenericType(header)) return header;
  try {
    const own = (JSON.parse(bytes.toString()) as { mediaType?: unknown } | null)?.mediaType;
    if (typeof own === 'string' && isMediaType(own)) return own;
  } catch {
    // The parser of the manifest reports the error.
  }
  return header ?? 'application/octet-stream';
}
