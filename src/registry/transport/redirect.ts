import { TidemarkError } from '../../oci/error.ts';
import { describeRequest, describeUrl, singleHeader } from './exchange.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';

const maxHops = 10;
const redirects = new Set([301, 302, 303, 307, 308]);
/** The headers that another host may get. */
const harmlessHeaders = new Set(['accept', 'accept-encoding', 'range', 'user-agent']);

/**
 * Follows at most 10 redirects. From the first redirect to another origin on, all possible secrets (Authorization, cookies, the remote's headers)
 * are dropped. Redirects from https to http are refused.
 * @throws TidemarkError `TOO_MANY_REDIRECTS`, `UPSTREAM_REDIRECT_REFUSED`, or the error of the exchange.
 */
export async function followRedirects(
  exchange: Exchange,
  request: HttpRequest,
  checkTarget?: (target: URL) => void,
): Promise<HttpResponse> {
  let current = request;
  for (let hops = 0; ; hops += 1) {
    const response = await exchange(current);
    if (!redirects.has(response.status)) return response;
    await response.discard();
    if (hops === maxHops)
      throw new TidemarkError(
        'TOO_MANY_REDIRECTS',
        `${describeRequest(request)} was redirected more than ${maxHops} times, last to ${describeUrl(current.url)}; expected an answer. The upstream's redirects form a loop.`,
      );
    const { target, asWritten } = redirectTarget(current, response);
    checkTarget?.(target);
    current = {
      ...current,
      url: target,
      target: asWritten,
      headers: target.origin === current.url.origin ? current.headers : harmless(current.headers),
    };
  }
}

interface RedirectTarget {
  readonly target: URL;
  /** Path and query as in the Location; undefined if only `URL` can parse it. */
  readonly asWritten: string | undefined;
}

function redirectTarget(request: HttpRequest, response: HttpResponse): RedirectTarget {
  const location = singleHeader(response.headers, 'location');
  const target =
    location !== undefined && URL.canParse(location, request.url.href)
      ? new URL(location, request.url)
      : undefined;
  if (target === undefined)
    throw refusal(request, `a redirect (${response.status}) without exactly one Location that is a URL`);
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw refusal(request, `a redirect to the scheme ${target.protocol}`);
  if (request.url.protocol === 'https:' && target.protocol === 'http:')
    throw refusal(request, `a redirect from https to unencrypted http (${target.host})`);
  if (target.username !== '' || target.password !== '')
    throw refusal(request, `a redirect to a URL with credentials (${target.host})`);
  target.hash = '';
  return { target, asWritten: pathAsWritten(location ?? '') };
}

/**
 * The exact path and query of a Location, because a signature may cover each byte. Relative paths, dot segments and backslashes before the query
 * are left to `URL`.
 */
function pathAsWritten(location: string): string | undefined {
  const text = location.split('#', 1)[0] ?? '';
  const [start] = /^(?:https?:)?\/\/[^/?#\\]+/i.exec(text) ?? [''];
  // `URL` skips further slashes before a host.
  if (start === '' && !/^\/(?!\/)/.test(text)) return undefined;
  const rest = text.slice(start.length);
  const written = rest.startsWith('/') ? rest : `/${rest}`;
  const [path = '/'] = written.split('?', 1);
  if (path.includes('\\') || path.split('/').some((part) => isDotSegment(part))) return undefined;
  return written.replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent);
}

function isDotSegment(part: string): boolean {
  const plain = part.toLowerCase().replaceAll('%2e', '.');
  return plain === '.' || plain === '..';
}

function refusal(request: HttpRequest, came: string): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_REDIRECT_REFUSED',
    `${describeRequest(request)} was answered with ${came}, which was not followed. Expected an https URL, or http if the request used http.`,
  );
}

/** Only the headers that another host may get. */
export function harmless(headers: HttpRequest['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => harmlessHeaders.has(name)));
}
