/** An HTTP request. Redirects, tokens and retries wrap an `Exchange`. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  /** Of POST; it may hold a secret. */
  readonly body?: string | undefined;
  /**
   * Path and query of a redirect, unchanged: `URL` escapes characters such as `'`, which a signature may cover. Default: those of `url`.
   */
  readonly target?: string | undefined;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** The expected bytes of the body, if a download thread may read it (docs/decisions/0018-download-threads.md). */
  readonly threadBytes?: number | undefined;
  /** The URL is from a manifest: the request carries nothing of the remote, on any host. */
  readonly isStranger?: boolean | undefined;
}

export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; an array for a repeated field. */
  readonly headers: HttpHeaders;
  /** The final URL, after redirects. */
  readonly url: URL;
  /** Each chunk is valid until the next one is read. An early exit closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Discards the body: reads it if it is short, else closes the connection. */
  discard(): Promise<void>;
}

export type Exchange = (request: HttpRequest) => Promise<HttpResponse>;

/** Path and query of the request line. */
export function requestTarget({ url, target }: Pick<HttpRequest, 'url' | 'target'>): string {
  return target ?? `${url.pathname}${url.search}`;
}

/** The value of a field that occurs once and is not empty. */
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

/** Content-Length; undefined unless there is exactly one number. */
export function contentLength(headers: HttpHeaders): number | undefined {
  const value = singleHeader(headers, 'content-length');
  if (value === undefined || !/^\d{1,16}$/.test(value)) return undefined;
  const length = Number(value);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** A URL for messages and logs, without credentials and query (it may be signed). */
export function describeUrl(url: URL): string {
  return `${url.origin}${describePath(url)}${url.search === '' ? '' : '?…'}`;
}

/** Longer parts of a path are signatures: names, digests and ids of uploads are shorter. */
const longestPart = 140;

/** A path for messages, logs and spans. Some registries redirect to addresses with the signature in the path. */
export function describePath({ pathname }: URL): string {
  return pathname
    .split('/')
    .map((part) => (part.length > longestPart ? '…' : part))
    .join('/');
}

export function describeRequest(request: Pick<HttpRequest, 'method' | 'url'>): string {
  return `${request.method} ${describeUrl(request.url)}`;
}
