import { readUpTo } from '../transport/body.ts';
import { describeUrl, singleHeader } from '../transport/exchange.ts';
import type { HttpRequest, HttpResponse } from '../transport/exchange.ts';
import { isWebPage } from '../status.ts';

/** An answer without a list of referrers. */
export interface ReferrersAbsence {
  /** A part of a sentence: "GET … was answered 404". */
  readonly reason: string;
  /** Whether the registry lacks the route, not only referrers of this manifest. */
  readonly isNoRoute: boolean;
}

/** A refusal or a transient error does not tell whether referrers exist. */
const tellNothing = new Set([401, 403, 407, 408, 425, 429, 451]);
const bodyMaxBytes = 64 * 1024;

/**
 * Recognizes an answer without a list, and reads its body. Undefined for lists, refusals and transient errors. The specification requires 404 of a
 * registry without the API; registries also send 400, 405, 406, 410, 501 and web pages.
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
  // GHCR redirects to a web site that answers 429 for hours (artifacthub/hub#4785).
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

/** Errors of a registry are JSON. A missing route is answered with text (distribution: `404 page not found`) or nothing. */
async function holdsJson(response: HttpResponse): Promise<boolean> {
  if (/\bjson\b/i.test(singleHeader(response.headers, 'content-type') ?? '')) {
    await response.discard();
    return true;
  }
  const body = await readUpTo(response, bodyMaxBytes);
  return body === undefined || body.length === 0 || /^\s*[{[]/.test(body.toString('latin1', 0, 64));
}
