import type { IncomingHttpHeaders } from 'node:http';

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a server at this address is reachable from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return loopbackNames.has(host) || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}

/**
 * Prevents DNS rebinding: a page of another site, whose name resolves to this server, still sends its own name in Host.
 * @returns the problem with the request; undefined if it may pass.
 */
export function checkHost(
  headers: IncomingHttpHeaders,
  {
    host: listenHost,
    publicUrl,
    dockerHub,
  }: {
    readonly host: string;
    readonly publicUrl?: string | undefined;
    readonly dockerHub?: { readonly url?: string | undefined } | undefined;
  },
): { readonly status: 403 | 421; readonly message: string } | undefined {
  const host = (headers.host ?? '').toLowerCase();
  const isKnown =
    loopbackNames.has(host.replace(/:[0-9]{1,5}$/, '')) ||
    host === publicHost(publicUrl) ||
    host === publicHost(dockerHub?.url);
  if (isLoopbackHost(listenHost) && !isKnown)
    return {
      status: 421,
      message:
        'This server answers only to localhost, 127.0.0.1 and [::1]; set TIDEMARK_HOST to serve other names, or TIDEMARK_PUBLIC_URL to the ' +
        'address that a proxy on this machine serves.',
    };
  const { origin } = headers;
  if (origin !== undefined && originHost(origin) !== host)
    return { status: 403, message: 'Requests from pages of other sites are refused.' };
  return undefined;
}

/**
 * Whether a request comes from a page of this server. Browsers name the page's origin, except in a GET of the same origin, which only
 * `Sec-Fetch-Site` tells. An http page at an https server's name is another origin.
 */
export function isOwnPage(headers: IncomingHttpHeaders, publicUrl: string | undefined): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return headers['sec-fetch-site'] === 'same-origin';
  const isPublicHost = host?.toLowerCase() === publicHost(publicUrl);
  if (publicUrl !== undefined && isPublicHost) return origin === new URL(publicUrl).origin;
  return originHost(origin) === host?.toLowerCase();
}

function publicHost(publicUrl: string | undefined): string | undefined {
  return publicUrl === undefined ? undefined : originHost(publicUrl);
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
