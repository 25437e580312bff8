import type { Digest } from '../../oci/digest.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { parseManifestDocument } from '../../threads/parse-manifest.ts';
import { mediaTypes } from '../../oci/manifest/media-type.ts';
import { readUpTo } from '../transport/body.ts';
import { decodedBody } from '../transport/content-coding.ts';
import { describeUrl, singleHeader } from '../transport/exchange.ts';
import type { HttpResponse } from '../transport/exchange.ts';
import type { HostMemory } from '../host-memory.ts';
import { createApiMemory, objectsNeeded } from './api-memory.ts';
import { readAbsence } from './referrers-absence.ts';
import { firstPage, nextPages } from '../tags/next-page.ts';
import type { CallOptions, Referrers } from '../registry.ts';
import type { Requester } from '../requester.ts';
import { checkStatus, isThrottle } from '../status.ts';

const maxPages = 100;
/** More than any real manifest has. */
export const maxReferrers = 10_000;

export type ListReferrers = (
  subject: Digest,
  options?: CallOptions & { readonly anew?: boolean },
) => Promise<Referrers>;

export interface ReferrersSettings {
  readonly requester: Requester;
  readonly urlOf: (subject: Digest) => URL;
  readonly maxBytes: number;
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly now?: (() => number) | undefined;
  readonly memory?: HostMemory | undefined;
}

export interface ReferrersReader {
  readonly list: ListReferrers;
  /** Why the registry counts as one without this API; undefined: each manifest must be asked for. */
  absence(): Promise<string | undefined>;
}

/**
 * distribution-spec, "Listing Referrers": the digests of the referrers of a manifest. An answer applies to its subject only. A registry without
 * this API is not asked for a while, unless `anew` is set: by its answers for several subjects (`createApiMemory`), or to several clients
 * (`HostMemory`).
 * @throws TidemarkError `UPSTREAM_UNAUTHORIZED`, `UPSTREAM_FORBIDDEN` for a refusal, which says nothing about the image; a retryable error for a
 * transient fault (after three of them no request is sent for a minute); `UPSTREAM_RESPONSE_TOO_LARGE`, `UPSTREAM_RESPONSE_INVALID`,
 * `UPSTREAM_PAGINATION_LOOP`, or as `parseManifest`, for an invalid list.
 */
export function createReferrersReader(settings: ReferrersSettings): ReferrersReader {
  const memory = createApiMemory(settings.now);
  const host = settings.memory;
  const absence = async () => {
    const remembered = await host?.recall('REFERRERS');
    if (remembered?.kind === 'present') return undefined;
    return memory.absence() ?? remembered?.reason;
  };
  const doubt = async () => {
    memory.answered();
    await host?.doubt('REFERRERS');
  };
  const noteError = async (subject: Digest, error: TidemarkError) => {
    if (isThrottle(error)) memory.throttled();
    else if (error.retryable) memory.failed(subject, error);
    else await doubt();
  };
  const list: ListReferrers = async (subject, { signal, anew = false } = {}) => {
    const learned = anew ? undefined : await absence();
    if (learned !== undefined) return { kind: 'absent', reason: learned };
    const fault = anew ? undefined : memory.fault();
    if (fault !== undefined) throw notAsked(subject, fault);
    let answer: Answer;
    try {
      answer = await readPages(settings, subject, signal);
    } catch (error) {
      if (isTidemarkError(error)) await noteError(subject, error);
      throw error;
    }
    if (answer.kind === 'listed') {
      memory.seen();
      await host?.present('REFERRERS');
      return answer;
    }
    const { reason } = answer;
    if (!answer.isNoRoute) await doubt();
    else if (memory.missing(subject, reason))
      await host?.missing('REFERRERS', { objects: objectsNeeded, reason });
    return { kind: 'absent', reason };
  };
  return { list, absence };
}

function notAsked(subject: Digest, { code, message, status }: TidemarkError): TidemarkError {
  return new TidemarkError(
    code,
    `${message} The referrers of ${subject} were not requested, because the same request failed for three manifests within a minute.`,
    { retryable: true, ...(status === undefined ? {} : { status }) },
  );
}

type Answer =
  | { readonly kind: 'listed'; readonly digests: readonly Digest[] }
  | { readonly kind: 'absent'; readonly reason: string; readonly isNoRoute: boolean };

async function readPages(
  settings: ReferrersSettings,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const found = new Set<Digest>();
  const firstUrl = settings.urlOf(subject);
  const seen = new Set<string>();
  for (let next: readonly URL[] = [firstUrl]; next.length > 0;) {
    const target = next[0]?.href ?? '';
    if (seen.size === maxPages || seen.has(target)) throw endless(firstUrl, seen.size);
    seen.add(target);
    const isFirst = seen.size === 1;
    const page = await firstPage(next, async (url) => {
      const read = await readPage(settings, url, signal);
      if (read.kind === 'absent' && !isFirst) throw incomplete(url, read.reason);
      return read;
    });
    if (page.kind === 'absent') return page;
    for (const digest of page.digests) found.add(digest);
    if (found.size > maxReferrers) throw tooMany(firstUrl);
    next = page.next;
  }
  // GitLab lists a manifest among its own referrers (oras-project/oras-go#1396).
  found.delete(subject);
  return { kind: 'listed', digests: [...found] };
}

type Page =
  | { readonly kind: 'listed'; readonly digests: readonly Digest[]; readonly next: readonly URL[] }
  | Extract<Answer, { kind: 'absent' }>;

async function readPage(
  { requester, maxBytes }: ReferrersSettings,
  url: URL,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const headers = { accept: mediaTypes.ociIndex };
  return requester.request({ method: 'GET', url, headers, signal, isSide: true }, async (response, sent) => {
    const absence = await readAbsence(sent, response);
    if (absence !== undefined) return { kind: 'absent', ...absence };
    await checkStatus(sent, response, 200);
    const digests = await readDigests(url, response, maxBytes, signal);
    return { kind: 'listed', digests, next: nextPages(url, response) };
  });
}

async function readDigests(
  url: URL,
  response: HttpResponse,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Digest[]> {
  const body = await readUpTo({ body: decodedBody(response) }, maxBytes);
  if (body === undefined)
    throw new TidemarkError(
      'UPSTREAM_RESPONSE_TOO_LARGE',
      `GET ${describeUrl(url)}: the list of referrers is larger than ${maxBytes} bytes; expected pages.`,
    );
  const contentType = singleHeader(response.headers, 'content-type');
  const parsed = await parseManifestDocument(body, contentType, { signal });
  if (parsed.kind !== 'index')
    throw new TidemarkError(
      'UPSTREAM_RESPONSE_INVALID',
      `GET ${describeUrl(url)} answered a ${parsed.mediaType}; expected an index of referrers.`,
    );
  return parsed.manifests.map((descriptor) => descriptor.digest);
}

function incomplete(url: URL, reason: string): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RESPONSE_INVALID',
    `GET ${describeUrl(url)} is a further page of a list of referrers, but ${reason}; expected the rest of the list.`,
  );
}

function endless(url: URL, pages: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_PAGINATION_LOOP',
    `GET ${describeUrl(url)}: after ${pages} pages the list of referrers repeats or does not end; expected at most ${maxPages} different pages.`,
  );
}

function tooMany(url: URL): TidemarkError {
  return new TidemarkError(
    'REFERRERS_TOO_MANY',
    `GET ${describeUrl(url)} lists more than ${maxReferrers} referrers of one manifest; such a list is refused.`,
  );
}
