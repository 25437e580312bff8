import { readUpTo } from '../transport/body.ts';
import { describeUrl, singleHeader } from '../transport/exchange.ts';
import type { HttpRequest, HttpResponse } from '../transport/exchange.ts';
import { isWebPage } from '../status.ts';

/** An answer which says that there is no list of referrers. */
export interface ReferrersAbsence {
  /** As part of a sentence: "GET … was answered 404". */
  readonly reason: string;
  /** Whether it says that the registry has no such route, rather than nothing for this manifest. */
  readonly isNoRoute: boolean;
}

/** A request that is refused, or that may be answered later, tells nothing of what is there. */
const tellNothing = new Set([401, 403, 407, 408, 425, 429, 451]);
const bodyMaxBytes = 64 * 1024;

/**
 * Tells answers without a list from those that hold one, and takes the body of the former; undefined for the latter, and for refusals and
 * faults that may pass. The specification wants 404 of a registry without the API; 400, 405, 406, 410 and 501 were seen, and web pages.
 */
export async function readAbsence(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
): Promise<ReferrersAbsence | undefined> {
  const { status } = response;
  const isElsewhere = !isReferrersPath(response.url);
  const isRefusal = status >= 400 && status < 500 && !tellNothing.has(status);
  const isEmpty = status > 200 && status < 300;
  const isPage = isWebPage(response) && status === 200;
  // GHCR sends here by 303 to a web site, which answers 429 for hours (artifacthub/hub#4785): no answer of this API
  const isOtherSite = isElsewhere && status >= 400 && status < 500;
  if (!isRefusal && !isEmpty && !isPage && !isOtherSite && status !== 501) return undefined;
  const isJson = await holdsJson(response);
  const where = isElsewhere ? `, at ${describeUrl(response.url)}` : '';
  return {
    reason: `${request.method} ${describeUrl(request.url)} was answered ${status}${isPage ? ' with a web page' : ''}${where}`,
    isNoRoute: isElsewhere || isPage || (status >= 400 && !isJson),
  };
}

function isReferrersPath({ pathname }: URL): boolean {
  return /\/referrers\/[^/]+\/?$/.test(pathname);
}

/** A registry's own error is JSON; a server that knows no such route says so in text (distribution: `404 page not found`) or not at all. */
async function holdsJson(response: HttpResponse): Promise<boolean> {
  if (/\bjson\b/i.test(singleHeader(response.headers, 'content-type') ?? '')) {
    await response.discard();
    return true;
  }
  const body = await readUpTo(response, bodyMaxBytes);
  return body === undefined || body.length === 0 || /^\s*[{[]/.test(body.toString('latin1', 0, 64));
}
