/** One HTTP request as the layers of this folder hand it on: redirects, tokens and retries wrap an `Exchange`. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  /**
   * Path and query as a redirect wrote them. `URL` escapes characters that a signature covers, as `'`. Default: those of `url`.
   */
  readonly target?: string | undefined;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** A large body is expected: our own socket reads may be used (docs/design.md). */
  readonly large?: boolean;
  /** To an address that a manifest names: nothing of the remote's goes along, whatever host it is on. */
  readonly isStranger?: boolean | undefined;
}

export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; an array where a field came more than once. */
  readonly headers: HttpHeaders;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Each chunk is valid until the next is asked for. Leaving the loop early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets the body go: read to its end when it is known to be short, else the connection is closed. */
  discard(): Promise<void>;
}

export type Exchange = (request: HttpRequest) => Promise<HttpResponse>;

/** Path and query as they stand in the request line. */
export function requestTarget({ url, target }: Pick<HttpRequest, 'url' | 'target'>): string {
  return target ?? `${url.pathname}${url.search}`;
}

/** A field's value where it came exactly once; undefined where it is absent, empty or repeated. */
export function singleHeader(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A repeated field as one list (RFC 9110 section 5.3). */
export function joinedHeader(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  const joined = Array.isArray(value) ? value.join(', ') : value;
  return joined === undefined || joined.trim() === '' ? undefined : joined;
}

/** Content-Length as a number, where there is exactly one that is a number. */
export function contentLength(headers: HttpHeaders): number | undefined {
  const value = singleHeader(headers, 'content-length');
  if (value === undefined || !/^\d{1,16}$/.test(value)) return undefined;
  const length = Number(value);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** A URL as it may stand in a message or a log: no credentials, no query (it may be signed). */
export function describeUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

export function describeRequest(request: Pick<HttpRequest, 'method' | 'url'>): string {
  return `${request.method} ${describeUrl(request.url)}`;
}
