import { createHash } from 'node:crypto';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { isTagName } from '../oci/tag-filter.ts';
import { readUpTo } from './body.ts';
import { decodedBody } from './content-coding.ts';
import { describeUrl, joinedHeader } from './exchange.ts';
import type { HttpResponse } from './exchange.ts';
import { nextLink } from './link.ts';
import type { TagPage } from './registry.ts';
import type { Requester } from './requester.ts';
import { checkStatus, isWebPage, notARegistry } from './status.ts';

const pageMaxBytes = 16 * 1024 * 1024;
const maxPages = 10_000;
const linkMaxLength = 4096;

interface RawPage {
  readonly names: readonly unknown[];
  readonly next: URL | undefined;
}

/**
 * distribution-spec, "Listing Tags", a page at a time. A page that was seen before, by its address or its content, ends
 * the listing with an error, as does the 10,001st: an endless list is no list (FAULTS row 27).
 */
export async function* listTagPages(
  requester: Requester,
  firstPage: URL,
  signal: AbortSignal | undefined,
): AsyncGenerator<TagPage> {
  const seen = new Set<string>();
  let url: URL | undefined = firstPage;
  let isGuess = false;
  for (let pages = 0; url !== undefined; pages += 1) {
    const current: URL = url;
    if (pages === maxPages || !remember(seen, current.href)) throw loop(firstPage, pages);
    const page: RawPage = await requester.request(
      { method: 'GET', url: current, headers: { accept: 'application/json' }, signal },
      async (response, sent) => {
        if (response.status === 404) {
          await response.discard();
          throw notFound(current);
        }
        await checkStatus(sent, response, 200);
        if (isWebPage(response)) {
          await response.discard();
          throw notARegistry(sent, 'a web page (Content-Type text/html)');
        }
        return readPage(current, response);
      },
    );
    const isNew = page.names.length === 0 || remember(seen, JSON.stringify(page.names));
    // asked for what follows without being told to, a registry that ignores `last` answers its first page again: its only one
    if (!isNew && isGuess) return;
    if (!isNew && page.next !== undefined) throw loop(firstPage, pages + 1);
    yield sorted(page.names, current);
    isGuess = page.next === undefined;
    url = page.next ?? pageAfter(current, page.names);
  }
}

async function readPage(url: URL, response: HttpResponse): Promise<RawPage> {
  const body = await readUpTo({ body: decodedBody(response) }, pageMaxBytes);
  if (body === undefined)
    throw new TidemarkError(
      'UPSTREAM_RESPONSE_TOO_LARGE',
      `GET ${describeUrl(url)}: a page of the tag list is larger than ${pageMaxBytes} bytes; expected a page of names.`,
    );
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    throw notARegistry({ method: 'GET', url }, 'something that is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw invalidList(url, parsed);
  const { tags } = parsed as { tags?: unknown };
  if (tags !== undefined && tags !== null && !Array.isArray(tags)) throw invalidList(url, tags);
  return { names: (tags as unknown[] | null | undefined) ?? [], next: nextPage(url, response) };
}

/**
 * A next page is on the registry's own host, whatever the link says about the scheme (FAULTS row 28). A link that cannot
 * be read is an error, for the list would end early and look whole.
 * @throws TidemarkError `UPSTREAM_LINK_REFUSED`
 */
export function nextPage(current: URL, response: HttpResponse): URL | undefined {
  const field = joinedHeader(response.headers, 'link');
  if (field !== undefined && field.length > linkMaxLength) throw linkRefused(current, quoteValue(field));
  const target = nextLink(field);
  if (target === undefined) {
    if (field !== undefined && /\bnext\b/i.test(field)) throw linkRefused(current, quoteValue(field));
    return undefined;
  }
  const url = URL.canParse(target, current.href) ? new URL(target, current) : undefined;
  if (url === undefined) throw linkRefused(current, quoteValue(target));
  if (
    url.hostname !== current.hostname ||
    url.port !== current.port ||
    url.username !== '' ||
    url.password !== ''
  )
    throw linkRefused(current, describeUrl(url));
  // Behind a proxy that ends TLS, registries were seen that write http:// here.
  return new URL(`${url.pathname}${url.search}`, current.origin);
}

/**
 * distribution-spec, "Listing Tags": fewer than `n` names without a Link are the end; as many as `n` need not be. Some
 * registries (go-containerregistry's) cut at `n` and send no Link, so what follows the last name is asked for.
 */
function pageAfter(current: URL, names: readonly unknown[]): URL | undefined {
  const asked = Number(current.searchParams.get('n'));
  const last = names.at(-1);
  if (!(asked > 0) || names.length < asked || typeof last !== 'string') return undefined;
  const next = new URL(current);
  next.searchParams.set('last', last);
  return next;
}

function linkRefused(current: URL, came: string): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_LINK_REFUSED',
    `GET ${describeUrl(current)} names ${came} as its next page; not followed. Expected a Link of at most ${linkMaxLength} characters to a page on ${current.host}; ask who runs the upstream to correct it.`,
  );
}

function sorted(received: readonly unknown[], url: URL): TagPage {
  const names: string[] = [];
  const invalid: string[] = [];
  for (const name of received) {
    if (typeof name !== 'string') throw invalidList(url, name);
    if (isTagName(name)) names.push(name);
    else invalid.push(name.length > 200 ? `${name.slice(0, 200)}…` : name);
  }
  return { names, invalid };
}

/** False when it was there. Only the hash is kept: a registry decides how long a URL or a page is. */
function remember(seen: Set<string>, text: string): boolean {
  const hash = createHash('sha256').update(text).digest('base64');
  if (seen.has(hash)) return false;
  seen.add(hash);
  return true;
}

function loop(url: URL, pages: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_PAGINATION_LOOP',
    `GET ${describeUrl(url)}: after ${pages} pages the tag list starts again or does not end; expected at most ${maxPages} pages, each once. The upstream's Link headers are wrong.`,
  );
}

function notFound(url: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_NOT_FOUND',
    `GET ${describeUrl(url)} was answered 404: the upstream has no such repository, or hides it. Check the remote's upstream name (Docker Hub's own images are under library/), URL and credentials.`,
    { status: 404 },
  );
}

function invalidList(url: URL, came: unknown): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RESPONSE_INVALID',
    `GET ${describeUrl(url)} answered ${quoteValue(came)} in its tag list; expected {"name": …, "tags": […]} with names as strings.`,
  );
}
