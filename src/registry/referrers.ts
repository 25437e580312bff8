import type { Digest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';
import { parseManifest } from '../oci/manifest-parse.ts';
import { mediaTypes } from '../oci/media-type.ts';
import { readUpTo } from './body.ts';
import { decodedBody } from './content-coding.ts';
import { describeUrl, singleHeader } from './exchange.ts';
import type { HttpResponse } from './exchange.ts';
import type { CallOptions } from './registry.ts';
import type { Requester } from './requester.ts';
import { checkStatus, isWebPage } from './status.ts';
import { nextPage } from './tag-list.ts';

const maxPages = 100;
/** Above what any real manifest has. */
export const maxReferrers = 10_000;
/** How registries without this API answer to it; the specification says 404. */
const absentStatuses = new Set([400, 404, 405, 406, 501]);

export type ListReferrers = (subject: Digest, options?: CallOptions) => Promise<Digest[] | undefined>;

export interface ReferrersSettings {
  readonly requester: Requester;
  readonly urlOf: (subject: Digest) => URL;
  readonly maxBytes: number;
}

/**
 * distribution-spec, "Listing Referrers": the digests of what refers to a manifest. A registry that has no such API is found out by the
 * first call, and not asked again: undefined.
 * @throws TidemarkError `UPSTREAM_RESPONSE_TOO_LARGE`, `UPSTREAM_PAGINATION_LOOP` or as `parseManifest` for lists that are no such.
 */
export function createListReferrers(settings: ReferrersSettings): ListReferrers {
  let isThere: Promise<boolean> | undefined;
  return async (subject, { signal } = {}) => {
    if (isThere === undefined) {
      const first = readPages(settings, subject, signal);
      isThere = first.then(
        (found) => found !== undefined,
        () => {
          // it has said nothing about the API; the next call finds out
          isThere = undefined;
          return true;
        },
      );
      return first;
    }
    return (await isThere) ? ((await readPages(settings, subject, signal)) ?? []) : undefined;
  };
}

async function readPages(
  settings: ReferrersSettings,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<Digest[] | undefined> {
  const found = new Set<Digest>();
  const firstUrl = settings.urlOf(subject);
  const seen = new Set<string>();
  for (let url: URL | undefined = firstUrl; url !== undefined;) {
    if (seen.size === maxPages || seen.has(url.href)) throw endless(firstUrl, seen.size);
    seen.add(url.href);
    const page = await readPage(settings, url, signal);
    if (page === undefined) return undefined;
    for (const digest of page.digests) found.add(digest);
    if (found.size > maxReferrers) throw tooMany(firstUrl);
    url = page.next;
  }
  return [...found];
}

interface ReferrersPage {
  readonly digests: readonly Digest[];
  readonly next: URL | undefined;
}

async function readPage(
  { requester, maxBytes }: ReferrersSettings,
  url: URL,
  signal: AbortSignal | undefined,
): Promise<ReferrersPage | undefined> {
  const headers = { accept: mediaTypes.ociIndex };
  return requester.request({ method: 'GET', url, headers, signal }, async (response, sent) => {
    if (absentStatuses.has(response.status) || isWebPage(response)) {
      await response.discard();
      return undefined;
    }
    await checkStatus(sent, response, 200);
    const digests = await readDigests(url, response, maxBytes);
    return { digests, next: nextPage(url, response) };
  });
}

async function readDigests(url: URL, response: HttpResponse, maxBytes: number): Promise<Digest[]> {
  const body = await readUpTo({ body: decodedBody(response) }, maxBytes);
  if (body === undefined)
    throw new TidemarkError(
      'UPSTREAM_RESPONSE_TOO_LARGE',
      `GET ${describeUrl(url)}: the list of referrers is larger than ${maxBytes} bytes; expected pages.`,
    );
  const parsed = parseManifest(body, singleHeader(response.headers, 'content-type'));
  if (parsed.kind !== 'index')
    throw new TidemarkError(
      'UPSTREAM_RESPONSE_INVALID',
      `GET ${describeUrl(url)} answered a ${parsed.mediaType}; expected an index of referrers.`,
    );
  return parsed.manifests.map((descriptor) => descriptor.digest);
}

function endless(url: URL, pages: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_PAGINATION_LOOP',
    `GET ${describeUrl(url)}: after ${pages} pages the list of referrers starts again or does not end; expected at most ${maxPages} pages, each once.`,
  );
}

function tooMany(url: URL): TidemarkError {
  return new TidemarkError(
    'REFERRERS_TOO_MANY',
    `GET ${describeUrl(url)} lists more than ${maxReferrers} referrers of one manifest, which is refused.`,
  );
}
