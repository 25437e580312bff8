import { createHash } from 'node:crypto';
import { TidemarkError } from '../../oci/error.ts';
import type { Requester } from '../requester.ts';
import { checkStatus, isWebPage, notARegistry } from '../status.ts';
import { nextLink } from '../tags/link.ts';
import { readUpTo } from '../transport/body.ts';
import { decodedBody } from '../transport/content-coding.ts';
import { describeUrl, joinedHeader } from '../transport/exchange.ts';
import type { HttpRequest, HttpResponse } from '../transport/exchange.ts';
import { acr } from './acr.ts';
import { dockerHub } from './docker-hub.ts';
import { gitlab } from './gitlab.ts';
import { harbor } from './harbor.ts';
import { fieldsOf, listedDigest } from './listing.ts';
import type {
  ForeignList,
  ListedDigest,
  ListedPage,
  ListedRepository,
  ListingApi,
  ListingName,
  OwnListing,
} from './listing.ts';
import { quay } from './quay.ts';
import { tidemark } from './tidemark.ts';
import { zot } from './zot.ts';

const apis: Readonly<Record<OwnListing, ListingApi>> = {
  DOCKER_HUB: dockerHub,
  QUAY: quay,
  HARBOR: harbor,
  ACR: acr,
  GITLAB: gitlab,
  ZOT: zot,
  TIDEMARK: tidemark,
};

/** A page of the known APIs has a few hundred KiB. */
const pageMaxBytes = 4 * 1024 * 1024;
/** A slower page is worth less than the requests that it spares. */
const pageTimeoutMs = 15_000;

export interface ListRequest {
  readonly requester: Requester;
  readonly repository: ListedRepository;
  readonly signal: AbortSignal;
}

/**
 * The tags with their digests, page by page, by a registry's own API. Nothing is retried. @throws TidemarkError of the request,
 * `UPSTREAM_NOT_A_REGISTRY`, `UPSTREAM_RESPONSE_TOO_LARGE`, `UPSTREAM_RESPONSE_INVALID`, or `UPSTREAM_PAGINATION_LOOP`.
 */
export async function* listDigests(
  { requester, repository, signal }: ListRequest,
  name: OwnListing,
): AsyncGenerator<readonly ListedDigest[]> {
  const api = apis[name];
  const seen = new Set<string>();
  for (let asked = api.first(repository); asked !== undefined;) {
    const { page, hash } = await readPage({ requester, api, asked, signal });
    if (page.tags.length > 0 && seen.has(hash)) throw loop(asked);
    seen.add(hash);
    yield page.tags;
    asked = page.next;
  }
}

/** The valid entries of a list that does not come from the registry. */
export async function* readForeignList(
  list: ForeignList,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedDigest[]> {
  for await (const page of list(signal))
    yield page.flatMap(({ name, digest, mediaType }) => listedDigest(name, digest, mediaType) ?? []);
}

/**
 * The API that the registry announces as an extension (distribution-spec, extensions/_oci.md): zot's. Undefined if it announces none.
 * @throws TidemarkError of the request, throttling and outages among them.
 */
export async function discoverListing({
  requester,
  repository,
  signal,
}: ListRequest): Promise<ListingName | undefined> {
  const url = new URL(`${repository.apiBase}/v2/_oci/ext/discover`);
  const document = await readAnswer({ requester, asked: url, signal, isAnonymous: false }, async (_, body) =>
    Promise.resolve(parseJson(body)),
  ).catch((error: unknown) => {
    if (error instanceof TidemarkError && !error.retryable) return undefined;
    throw error;
  });
  const { extensions } = fieldsOf(document) ?? {};
  if (!Array.isArray(extensions)) return undefined;
  const isSearch = extensions.some((extension) => {
    const { name, endpoints } = fieldsOf(extension) ?? {};
    return name === '_zot' && Array.isArray(endpoints) && endpoints.includes('/v2/_zot/ext/search');
  });
  return isSearch ? 'ZOT' : undefined;
}

interface PageRequest {
  readonly requester: Requester;
  readonly api: ListingApi;
  readonly asked: URL;
  readonly signal: AbortSignal;
}

async function readPage({
  requester,
  api,
  asked,
  signal,
}: PageRequest): Promise<{ readonly page: ListedPage; readonly hash: string }> {
  const isAnonymous = api.isAnonymous === true;
  return readAnswer({ requester, asked, signal, isAnonymous }, async (response, body) => {
    const hasLink = nextLink(joinedHeader(response.headers, 'link')) !== undefined;
    const page = listedPage(api, body, asked, hasLink);
    if (page === undefined) throw invalid(asked);
    const hash = createHash('sha256').update(JSON.stringify(page.tags)).digest('base64');
    return Promise.resolve({ page, hash });
  });
}

interface ReadRequest {
  readonly requester: Requester;
  readonly asked: URL;
  readonly signal: AbortSignal;
  readonly isAnonymous: boolean;
}

/** The signal's own abort is thrown as such; a page that takes too long is the upstream's fault. */
export async function readAnswer<T>(
  { requester, asked, signal, isAnonymous }: ReadRequest,
  use: (response: HttpResponse, body: Buffer) => Promise<T>,
): Promise<T> {
  const soon = AbortSignal.timeout(pageTimeoutMs);
  const input = {
    method: 'GET',
    url: asked,
    headers: { accept: 'application/json' },
    signal: AbortSignal.any([signal, soon]),
    isSide: true,
    isOnce: true,
    isAnonymous,
  } as const;
  try {
    return await requester.request(input, async (response, sent) => {
      await checkAnswer(sent, response);
      const body = await readUpTo({ body: decodedBody(response) }, pageMaxBytes);
      if (body === undefined) throw tooLarge(asked);
      return use(response, body);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (soon.aborted) throw tooSlow(asked);
    throw error;
  }
}

async function checkAnswer(sent: HttpRequest, response: HttpResponse): Promise<void> {
  await checkStatus(sent, response, 200);
  if (!isWebPage(response)) return;
  await response.discard();
  throw notARegistry(sent, 'a web page (Content-Type text/html)');
}

/** The page in this body; undefined if it has another form. */
export function listedPage(
  api: ListingApi | OwnListing,
  body: Buffer,
  asked: URL,
  hasLink = true,
): ListedPage | undefined {
  return (typeof api === 'string' ? apis[api] : api).read(parseJson(body), asked, hasLink);
}

/** Undefined if it is not JSON. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function invalid(asked: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RESPONSE_INVALID',
    `GET ${describeUrl(asked)} was answered with another document than a list of tags with digests. The tags are requested one by one.`,
  );
}

function tooLarge(asked: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RESPONSE_TOO_LARGE',
    `GET ${describeUrl(asked)}: a page of tags with digests is larger than ${pageMaxBytes} bytes. The tags are requested one by one.`,
  );
}

function tooSlow(asked: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TIMEOUT',
    `GET ${describeUrl(asked)}: a page of tags with digests did not arrive within ${pageTimeoutMs / 1000} s. The tags are requested one by one.`,
    { retryable: true },
  );
}

function loop(asked: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_PAGINATION_LOOP',
    `GET ${describeUrl(asked)}: the pages of tags with digests repeat. The tags are requested one by one.`,
  );
}
