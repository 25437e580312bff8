import { TidemarkError, isTidemarkError, quoteValue } from '../../oci/error.ts';
import { describeUrl, joinedHeader } from '../transport/exchange.ts';
import type { HttpResponse } from '../transport/exchange.ts';
import { nextLink } from './link.ts';
import { isThrottle } from '../status.ts';

const linkMaxLength = 4096;

/**
 * Possible URLs of the next page, the likeliest first; empty after the last page. A link is relative to the answer's URL. Its host must be the
 * requested one or the target of a redirect, with any scheme (fault 28). Nexus and Artifactory write wrong paths, so the link's query at the
 * list's own path is also tried (sonatype/nexus-public#1011, renovatebot/renovate#15030). An unreadable link is an error: the list would end
 * early and look complete.
 * @throws TidemarkError `UPSTREAM_LINK_REFUSED`
 */
export function nextPages(asked: URL, response: HttpResponse): URL[] {
  const field = joinedHeader(response.headers, 'link');
  if (field !== undefined && field.length > linkMaxLength) throw linkRefused(asked, quoteValue(field));
  const target = nextLink(field);
  if (target === undefined) {
    if (field !== undefined && /\bnext\b/i.test(field)) throw linkRefused(asked, quoteValue(field));
    return [];
  }
  const answered = response.url;
  const url = URL.canParse(target, answered.href) ? new URL(target, answered) : undefined;
  if (url === undefined) throw linkRefused(asked, quoteValue(target));
  const host = [answered, asked].find((known) => isSameHost(known, url));
  if (host === undefined || url.username !== '' || url.password !== '')
    throw linkRefused(asked, describeUrl(url));
  const pages = [new URL(`${url.pathname}${url.search}`, host.origin)];
  for (const list of [answered, asked]) {
    const own = new URL(`${list.pathname}${url.search}`, list.origin);
    if (pages.every(({ href }) => href !== own.href)) pages.push(own);
  }
  return pages;
}

/**
 * Behind a proxy that terminates TLS, some registries write `http://`, its port, or none (fluxcd/image-reflector-controller#343). The registry's
 * own origin is used in each case.
 */
function isSameHost(known: URL, url: URL): boolean {
  if (known.hostname !== url.hostname) return false;
  return known.port === url.port || url.port === '' || (isUsualPort(known.port) && isUsualPort(url.port));
}

function isUsualPort(port: string): boolean {
  return port === '' || port === '80' || port === '443';
}

/**
 * The page from the first URL that has one. @throws the first URL's error if none has. Throttling, and errors that are not the upstream's, are
 * thrown at once.
 */
export async function firstPage<Page>(
  addresses: readonly URL[],
  read: (address: URL) => Promise<Page>,
): Promise<Page> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await read(address);
    } catch (error) {
      if (!isTidemarkError(error) || error.origin !== 'upstream' || isThrottle(error)) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

function linkRefused(asked: URL, came: string): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_LINK_REFUSED',
    `GET ${describeUrl(asked)} names ${came} as its next page, which was refused. Expected a Link of at most ${linkMaxLength} characters to a page on ${asked.host}. Ask the upstream's operator to correct it.`,
  );
}
