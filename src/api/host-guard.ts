import type { IncomingHttpHeaders } from 'node:http';

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a server at this address can be reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return loopbackNames.has(host) || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}

/**
 * DNS rebinding: a page of another site whose name was made to point here would be let in by the browser, but names itself in Host.
 * @returns what is wrong with the request, as HTTP has it; undefined where it may pass.
 */
export function checkHost(
  headers: IncomingHttpHeaders,
  listenHost: string,
): { readonly status: 403 | 421; readonly message: string } | undefined {
  const host = (headers.host ?? '').toLowerCase();
  if (isLoopbackHost(listenHost) && !loopbackNames.has(host.replace(/:[0-9]{1,5}$/, '')))
    return {
      status: 421,
      message:
        'This server answers only to localhost, 127.0.0.1 and [::1]; set TIDEMARK_HOST to serve other names.',
    };
  const { origin } = headers;
  if (origin !== undefined && originHost(origin) !== host)
    return { status: 403, message: 'Requests from pages of other sites are refused.' };
  return undefined;
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
