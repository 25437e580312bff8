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
  { host: listenHost, publicUrl }: { readonly host: string; readonly publicUrl?: string | undefined },
): { readonly status: 403 | 421; readonly message: string } | undefined {
  const host = (headers.host ?? '').toLowerCase();
  const isKnown = loopbackNames.has(host.replace(/:[0-9]{1,5}$/, '')) || host === publicHost(publicUrl);
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

function publicHost(publicUrl: string | undefined): string | undefined {
  return publicUrl === undefined ? undefined : originHost(publicUrl);
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
