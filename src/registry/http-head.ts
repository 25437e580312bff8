import type { HttpHeaders } from './exchange.ts';

/** The status line and fields of an answer (RFC 9112 sections 4 and 5), read strictly. */
export interface HttpHead {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** Exactly this many bytes follow; undefined where the length is told otherwise (chunked, until the end) or twice. */
  readonly bodyBytes: number | undefined;
  /** Whether the connection may be used again once the body is read. */
  readonly keepAlive: boolean;
}

export const headMaxBytes = 64 * 1024;

const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/** Undefined when it is not such a head: folded lines, bare CR, names with spaces and the like are refused. */
export function parseHead(bytes: Uint8Array): HttpHead | undefined {
  const [statusLine = '', ...lines] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .split('\r\n');
  const status = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(statusLine);
  if (status === null) return undefined;
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const line of lines) {
    const match = fieldLine.exec(line);
    if (match === null) return undefined;
    const [, name = '', value = ''] = match;
    addField(headers, name.toLowerCase(), value);
  }
  const code = Number(status[2]);
  const connection = String(headers['connection'] ?? '').toLowerCase();
  return {
    status: code,
    headers,
    bodyBytes: bodyBytes(code, headers),
    keepAlive: status[1] === '1' && !/(?:^|[,\s])close(?:$|[,\s])/.test(connection),
  };
}

function addField(headers: Record<string, string | string[]>, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else headers[name] = Array.isArray(before) ? [...before, value] : [before, value];
}

function bodyBytes(status: number, headers: Record<string, string | string[]>): number | undefined {
  if (status < 200 || status === 204 || status === 304) return 0;
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined || typeof length !== 'string' || !/^\d{1,15}$/.test(length))
    return undefined;
  return Number(length);
}
