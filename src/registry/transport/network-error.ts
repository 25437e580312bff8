import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { describeRequest } from './exchange.ts';
import type { HttpRequest } from './exchange.ts';

const tlsReasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chain ends in a root that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that is not trusted here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  CERT_REVOKED: 'its certificate is revoked',
  CERT_UNTRUSTED: 'its certificate is not trusted',
  CERT_SIGNATURE_FAILURE: 'its certificate has a wrong signature',
  INVALID_CA: 'a certificate in its chain is no certificate authority',
  INVALID_PURPOSE: 'its certificate is not made for servers',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it offers only TLS versions below 1.2',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it offers no TLS version that is accepted here (1.2 and 1.3)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port (is it an http:// URL?)',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS on this port (is it an http:// URL?)',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'it refused the handshake (it may require a client certificate)',
};

const timeoutCodes: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'the body stopped coming',
};

/** The phase of a failed exchange: a reset means "unavailable" before the header and "truncated" in the body. */
export type ExchangePhase = 'header' | 'body';

/**
 * Maps errors of undici, net and tls: `TLS_VERIFY_FAILED`, `UPSTREAM_TIMEOUT`, `PROXY_FAILED`, `UPSTREAM_TRUNCATED` and
 * `UPSTREAM_UNAVAILABLE`. An abort by the caller returns its reason.
 */
export function networkError(
  error: unknown,
  request: HttpRequest,
  phase: ExchangePhase,
  throughProxy = false,
): unknown {
  if (request.signal?.aborted === true) return request.signal.reason;
  const chain = causes(error);
  const ours = chain.find(isTidemarkError);
  if (ours !== undefined) return ours;
  const what = describeRequest(request);
  const codes = chain.map(codeOf).filter((code) => code !== undefined);
  const text = chain.map((one) => (one instanceof Error ? one.message : '')).join(' ');

  const proxyStatus = /Proxy response \((\d+)\)|Proxy Authentication Required \((\d+)\)/.exec(text);
  if (proxyStatus !== null) return proxyAnswered(what, Number(proxyStatus[1] ?? proxyStatus[2]), error);
  const tls = codes.find((code) => code in tlsReasons || code.startsWith('ERR_SSL_') || code === 'EPROTO');
  if (tls !== undefined) return tlsError(what, tls, error);
  if (throughProxy && isConnectFailure(chain))
    return new TidemarkError(
      'PROXY_FAILED',
      `${what}: the proxy could not be reached (${codes[0] ?? 'unknown reason'}); check the remote's proxy URL.`,
      { retryable: true, cause: error },
    );
  const timeout = codes.find((code) => code in timeoutCodes);
  if (timeout !== undefined)
    return new TidemarkError(
      'UPSTREAM_TIMEOUT',
      `${what}: ${timeoutCodes[timeout]}; the upstream may be overloaded.`,
      {
        retryable: true,
        cause: error,
      },
    );
  if (phase === 'body') return truncated(what, codes[0] ?? 'the connection was closed', error);
  return new TidemarkError(
    'UPSTREAM_UNAVAILABLE',
    `${what} failed: ${reasonOf(codes[0])}. Check that the upstream is available and reachable from this machine, then try again.`,
    { retryable: !isRefusedHead(codes[0]), cause: error },
  );
}

/** The body ended before its announced length (fault 1). */
export function truncated(what: string, reason: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_TRUNCATED',
    `${what}: the body ended early (${reason}); the rest can be requested again.`,
    { retryable: true, ...(cause === undefined ? {} : { cause }) },
  );
}

function tlsError(what: string, code: string, cause: unknown): TidemarkError {
  const reason = tlsReasons[code] ?? `the TLS handshake failed (${code})`;
  return new TidemarkError(
    'TLS_VERIFY_FAILED',
    `${what}: ${reason} (${code}). Expected a valid certificate. Set the remote's CA or client certificate, or correct its URL.`,
    { cause },
  );
}

function proxyAnswered(what: string, status: number, cause: unknown): TidemarkError {
  const advice =
    status === 407
      ? "give the remote's proxy URL the right user name and password"
      : 'check that the proxy allows this host';
  return new TidemarkError(
    'PROXY_FAILED',
    `${what}: the proxy answered ${status} instead of forwarding the request; ${advice}.`,
    {
      status,
      retryable: status >= 500,
      cause,
    },
  );
}

function reasonOf(code: string | undefined): string {
  if (code === undefined) return 'the connection broke';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its host name could not be resolved (${code})`;
  if (code === 'ECONNREFUSED') return 'the connection was refused (ECONNREFUSED)';
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return `the answer is not HTTP (${code})`;
  return `the connection broke (${code})`;
}

/** An invalid head would be invalid again; a truncated one may succeed the next time. */
function isRefusedHead(code: string | undefined): boolean {
  if (code === undefined || code === 'HPE_INVALID_EOF_STATE' || code === 'HPE_CLOSED_CONNECTION')
    return false;
  return code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW';
}

function isConnectFailure(chain: readonly unknown[]): boolean {
  return chain.some(
    (one) =>
      one instanceof Error &&
      (('syscall' in one && (one.syscall === 'connect' || one.syscall === 'getaddrinfo')) ||
        /^UND_ERR_(?:PRX|CONNECT_TIMEOUT)/.test(codeOf(one) ?? '')),
  );
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The error and its causes, including those of each tried address. */
function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  const queue = [error];
  while (queue.length > 0 && found.length < 20) {
    const next = queue.shift();
    if (next === undefined || found.includes(next)) continue;
    found.push(next);
    if (next instanceof AggregateError) queue.push(...(next.errors as unknown[]));
    if (next instanceof Error) queue.push(next.cause);
  }
  return found;
}
