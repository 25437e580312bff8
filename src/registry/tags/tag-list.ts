import { createHash } from 'node:crypto';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { isTagName } from '../../oci/tag-name.ts';
import { describeUrl } from '../transport/exchange.ts';
import { firstPage } from './next-page.ts';
import type { TagPage } from '../registry.ts';
import { invalidList, openTagPage } from './tag-page.ts';
import type { OpenTagPage, TagPageRequest } from './tag-page.ts';

const maxPages = 10_000;
/** Accepted by every known registry; Quay refused more (quay/quay#2884). */
const smallPageSize = 100;
/** Statuses with other reasons than the page size. */
const otherReasons = new Set([401, 403, 404, 407, 408, 425, 429, 451]);

export interface TagListRequest extends Omit<TagPageRequest, 'url'> {
  /** `…/v2/<name>/tags/list` */
  readonly url: URL;
  readonly pageSize: number;
}

/**
 * distribution-spec, "Listing Tags", streamed. A repeated page, by URL or by content, is an error, as is the 10,001st page (fault 27).
 */
export async function* listTagPages(request: TagListRequest): AsyncGenerator<TagPage> {
  const seen = new Set<string>();
  let page: OpenTagPage | undefined = await openFirstPage(request);
  let guess: Guess | undefined;
  try {
    for (let pages = 1; page !== undefined; pages += 1) {
      const { first, url } = page;
      if (pages > maxPages || !remember(seen, url.href)) throw loop(request.url, pages);
      // A registry that ignores `last` answers a guess with the page before.
      if (guess !== undefined && first.every((name) => guess?.before.has(name) === true)) return;
      yield pages === 1 && page.state !== undefined ? { ...sorted(first), state: page.state } : sorted(first);
      for await (const more of page.rest()) yield sorted(more);
      const { count, hash } = page.summary();
      const isNew = count === 0 || remember(seen, hash);
      if (!isNew && page.next.length > 0) throw loop(request.url, pages);
      await page.close();
      if (page.next.length > 0) {
        page = await openLinked(request, page);
        guess = undefined;
      } else {
        guess = guessAfter(page, count, guess !== undefined);
        const guessed: OpenTagPage | TidemarkError | undefined = guess && (await openGuess(request, guess));
        if (isTidemarkError(guessed)) yield { names: [], invalid: [], doubt: guessed };
        page = isTidemarkError(guessed) ? undefined : guessed;
      }
    }
  } finally {
    await page?.close();
  }
}

/** Tries the page size, a smaller one, and none: registries refuse sizes with various statuses. */
export async function openFirstPage(request: TagListRequest): Promise<OpenTagPage> {
  const { pageSize, url } = request;
  const sizes = pageSize > smallPageSize ? [pageSize, smallPageSize] : [pageSize];
  let failure: unknown;
  for (const size of [...sizes, undefined]) {
    const asked = new URL(url);
    if (size !== undefined) asked.searchParams.set('n', String(size));
    try {
      return await openTagPage({ ...request, url: asked });
    } catch (error) {
      failure ??= error;
      if (!isTidemarkError(error) || !mayRefuseSize(error)) throw failure;
    }
  }
  throw failure;
}

function mayRefuseSize({ status, code }: TidemarkError): boolean {
  if (status === undefined || otherReasons.has(status)) return false;
  const isAnswer = code === 'UPSTREAM_UNEXPECTED_STATUS' || code === 'UPSTREAM_UNAVAILABLE';
  return isAnswer && status >= 400 && status <= 501;
}

/** At another path than the list's, an answer without `tags` comes from another service. */
async function openLinked(request: TagListRequest, { next, url }: OpenTagPage): Promise<OpenTagPage> {
  return firstPage(next, async (address) => {
    const page = await openTagPage({ ...request, url: address });
    const isOther = address.pathname !== url.pathname && page.first.length === 0;
    if (!isOther || page.hasTags()) return page;
    await page.close();
    throw invalidList(address, 'no tags');
  });
}

interface Guess {
  readonly url: URL;
  /** The names of the page before. */
  readonly before: ReadonlySet<string>;
  /** Whether an earlier guess has returned names. */
  readonly isProven: boolean;
}

/**
 * distribution-spec, "Listing Tags": fewer than `n` names without a Link are the end. Some registries (go-containerregistry's) cut at `n` without
 * a Link, so the names after the last one are requested.
 */
function guessAfter({ url, first }: OpenTagPage, count: number, isProven: boolean): Guess | undefined {
  const asked = Number(url.searchParams.get('n'));
  const last = first.at(-1);
  if (!(asked > 0) || count !== asked || first.length !== count || last === undefined) return undefined;
  const next = new URL(url);
  next.searchParams.set('last', last);
  return { url: next, before: new Set(first), isProven };
}

/**
 * A guess does not fail the list: ECR refuses a `last` that it has not issued (google/go-containerregistry#681). @returns undefined after a
 * refusal, or the transient error, because the list may be incomplete. After a proven guess, transient errors are thrown.
 */
async function openGuess(
  request: TagListRequest,
  { url, isProven }: Guess,
): Promise<OpenTagPage | TidemarkError | undefined> {
  try {
    return await openTagPage({ ...request, url });
  } catch (error) {
    request.signal?.throwIfAborted();
    if (!isTidemarkError(error) || error.origin !== 'upstream' || (isProven && error.retryable)) throw error;
    // The request was not sent.
    if (error.code === 'UPSTREAM_THROTTLED') throw error;
    return error.retryable ? error : undefined;
  }
}

function sorted(received: readonly string[]): TagPage {
  const names: string[] = [];
  const invalid: string[] = [];
  for (const name of received) {
    if (isTagName(name)) names.push(name);
    else invalid.push(name.length > 200 ? `${name.slice(0, 200)}…` : name);
  }
  return { names, invalid };
}

/** False if it was known. Only the hash is kept, because a URL may be long. */
function remember(seen: Set<string>, text: string): boolean {
  const hash = createHash('sha256').update(text).digest('base64');
  if (seen.has(hash)) return false;
  seen.add(hash);
  return true;
}

function loop(url: URL, pages: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_PAGINATION_LOOP',
    `GET ${describeUrl(url)}: after ${pages} pages the tag list repeats or does not end; expected at most ${maxPages} different pages. The upstream's Link headers are wrong. Ask its operator to correct them.`,
  );
}
