import { TidemarkError, quoteValue } from '../oci/error.ts';
import { readUpTo } from './transport/body.ts';
import { describeRequest, singleHeader } from './transport/exchange.ts';
import type { HttpRequest, HttpResponse } from './transport/exchange.ts';
import { parseRateLimit } from './rate-limit.ts';
import { parseRetryAfter } from './transport/retry.ts';

const errorBodyMaxBytes = 64 * 1024;
const maybeLater = new Set([408, 425, 500, 502, 503, 504]);

/**
 * Throws unless the status is one of `expected`. The body of any other answer is read, up to 64 KiB, for the specification's error code. @throws TidemarkError `UPSTREAM_RATE_LIMITED`, `UPSTREAM_UNAVAILABLE`,
 * `UPSTREAM_UNAUTHORIZED`, `UPSTREAM_FORBIDDEN` or `UPSTREAM_UNEXPECTED_STATUS`.
 */
export async function checkStatus(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
  ...expected: readonly number[]
): Promise<void> {
  if (expected.includes(response.status)) return;
  const detail = await errorDetail(response);
  const { status } = response;
  // After a redirect, the message names the target.
  const what = describeRequest({ method: request.method, url: response.url });
  const retryAfterMs =
    parseRetryAfter(singleHeader(response.headers, 'retry-after')) ??
    (status === 429 ? untilReset(response) : undefined);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429)
    throw new TidemarkError(
      'UPSTREAM_RATE_LIMITED',
      `${what} was answered 429${detail}: too many requests${waitText(retryAfterMs)}. Give the remote credentials or a lower rateLimit.`,
      { status, retryable: true, ...wait },
    );
  if (maybeLater.has(status))
    throw new TidemarkError(
      'UPSTREAM_UNAVAILABLE',
      `${what} was answered ${status}${detail}; expected ${expected.join(' or ')}${waitText(retryAfterMs)}. The upstream or its proxy is unavailable; try again later.`,
      { status, retryable: true, ...wait },
    );
  if (status === 401)
    throw new TidemarkError(
      'UPSTREAM_UNAUTHORIZED',
      `${what} was answered 401${detail}; check the remote's user name, password and upstream name.`,
      { status },
    );
  if (status === 403)
    throw new TidemarkError(
      'UPSTREAM_FORBIDDEN',
      `${what} was answered 403${detail}; the remote's user may not read this.`,
      // A signed URL of a blob host expires; the next request gets a new one.
      { status, retryable: response.url.origin !== request.url.origin },
    );
  throw new TidemarkError(
    'UPSTREAM_UNEXPECTED_STATUS',
    `${what} was answered ${status}${detail}; expected ${expected.join(' or ')}. Check the remote's URL and upstream name.`,
    { status },
  );
}

const throttles: ReadonlySet<string> = new Set([
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_THROTTLED',
  'QUOTA_RESERVED',
]);

/** Whether the upstream throttles, by this answer or an earlier one, or its quota is reserved. */
export function isThrottle({ code }: TidemarkError): boolean {
  return throttles.has(code);
}

/** The time until the next window, by the headers of a rate limit. */
function untilReset(response: HttpResponse): number | undefined {
  const { resetMs } = parseRateLimit(response.headers) ?? {};
  return resetMs === undefined || resetMs === 0 ? undefined : resetMs;
}

/** The requested pause of a throttling answer; undefined for others. */
export function slowDownMs(response: HttpResponse): number | undefined {
  const retryAfter = singleHeader(response.headers, 'retry-after');
  const asksToWait = response.status === 429 || (response.status === 503 && retryAfter !== undefined);
  const remaining = singleHeader(response.headers, 'ratelimit-remaining');
  if (!asksToWait && !(remaining !== undefined && /^\s*0\s*(?:;|$)/.test(remaining))) return undefined;
  return parseRetryAfter(retryAfter ?? singleHeader(response.headers, 'ratelimit-reset')) ?? 0;
}

/** Whether the answer is a web page, such as a captive portal or a login (fault 41). */
export function isWebPage(response: HttpResponse): boolean {
  return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(
    singleHeader(response.headers, 'content-type') ?? '',
  );
}

export function notARegistry(request: Pick<HttpRequest, 'method' | 'url'>, came: string): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_NOT_A_REGISTRY',
    `${describeRequest(request)} was answered with ${came}; expected a registry's answer. Check the remote's URL, and whether a login page or proxy answers instead.`,
  );
}

async function errorDetail(response: HttpResponse): Promise<string> {
  try {
    const body = await readUpTo(response, errorBodyMaxBytes);
    if (body === undefined) return '';
    const parsed = JSON.parse(body.toString()) as { errors?: readonly { code?: unknown }[] } | null;
    const code = parsed?.errors?.[0]?.code;
    return typeof code === 'string' ? ` (${quoteValue(code, 40)})` : '';
  } catch {
    // An unreadable body adds nothing to the status.
    return '';
  }
}

function waitText(retryAfterMs: number | undefined): string {
  return retryAfterMs === undefined ? '' : `; it asks to wait ${Math.ceil(retryAfterMs / 1000)} s`;
}
