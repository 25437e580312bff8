import { TidemarkError } from '../../oci/error.ts';
import { describeRequest, describeUrl, singleHeader } from './exchange.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';

const maxHops = 10;
const redirects = new Set([301, 302, 303, 307, 308]);
/** What another host may see of a request. */
const harmlessHeaders = new Set(['accept', 'accept-encoding', 'range', 'user-agent']);

/**
 * Follows redirects by hand, 10 at most. As soon as one leads to another origin, everything goes that may be a secret
 * (Authorization, cookies, the remote's own headers), and does not come back. From https it never goes on to http.
 * `checkTarget` may refuse a hop before it is taken.
 * @throws TidemarkError `TOO_MANY_REDIRECTS`, `UPSTREAM_REDIRECT_REFUSED`, or what the exchange threw.
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
        `${describeRequest(request)} was redirected more than ${maxHops} times, last to ${describeUrl(current.url)}; expected an answer. The upstream sends in circles.`,
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
  /** Path and query as the Location has them; undefined where it needs `URL` to read it. */
  readonly asWritten: string | undefined;
}

function redirectTarget(request: HttpRequest, response: HttpResponse): RedirectTarget {
  const location = singleHeader(response.headers, 'location');
  const target =
    location !== undefined && URL.canParse(location, request.url.href)
      ? new URL(location, request.url)
      : undefined;
  if (target === undefined)
    throw refusal(request, `a redirect (${response.status}) without one Location that is a URL`);
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw refusal(request, `a redirect to the scheme ${target.protocol}`);
  if (request.url.protocol === 'https:' && target.protocol === 'http:')
    throw refusal(request, `a redirect from https to unprotected http (${target.host})`);
  if (target.username !== '' || target.password !== '')
    throw refusal(request, `a redirect to a URL with credentials inside (${target.host})`);
  target.hash = '';
  return { target, asWritten: pathAsWritten(location ?? '') };
}

/**
 * The path and query of an absolute URL, or of one without its scheme or host, byte by byte: a signature may cover each.
 * Dot segments, backslashes before the query and references that are relative to a path are left to `URL`.
 */
function pathAsWritten(location: string): string | undefined {
  const text = location.split('#', 1)[0] ?? '';
  const [start] = /^(?:https?:)?\/\/[^/?#\\]+/i.exec(text) ?? [''];
  // `URL` skips further slashes to find a host
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
    `${describeRequest(request)} was answered with ${came}; not followed. Expected an https or http URL of no lesser protection.`,
  );
}

/** Those of the fields that another host may see. */
export function harmless(headers: HttpRequest['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => harmlessHeaders.has(name)));
}
