import type { HttpHeaders } from '../exchange.ts';

/** The status line and fields of an answer (RFC 9112 sections 4 and 5), parsed strictly. */
export interface HttpHead {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** The length of the body; undefined if it is chunked, ends with the connection, or is stated twice. */
  readonly bodyBytes: number | undefined;
  /** Whether the connection is reusable after the body. */
  readonly keepAlive: boolean;
}

/** For all heads of one answer together, including 1xx. */
export const headMaxBytes = 64 * 1024;
const maxFields = 1_000;

/**
 * Parses a head, without its final empty line, in linear time. Undefined if it is invalid or exceeds a limit. Folded lines, bare CR and names
 * with spaces are invalid.
 */
export function parseHead(bytes: Uint8Array): HttpHead | undefined {
  if (bytes.length > headMaxBytes) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const statusEnd = lineEnd(text, 0);
  const status = parseStatusLine(text.slice(0, statusEnd));
  if (status === undefined) return undefined;
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  let fields = 0;
  for (let start = statusEnd + 2; start <= text.length; fields += 1) {
    const end = lineEnd(text, start);
    if (fields === maxFields || !addField(headers, text, start, end)) return undefined;
    start = end + 2;
  }
  const connection = String(headers['connection'] ?? '').toLowerCase();
  return {
    status: status.code,
    headers,
    bodyBytes: bodyBytes(status.code, headers),
    keepAlive: status.isHttp11 && !connection.split(/[,\s]/).includes('close'),
  };
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\r\n', start);
  return end < 0 ? text.length : end;
}

/** `HTTP/1.1 200 OK`; the reason may be absent, and the space before it too. */
function parseStatusLine(line: string): { readonly code: number; readonly isHttp11: boolean } | undefined {
  const match = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/.exec(line);
  if (match === null || !isFieldText(line, 0, line.length)) return undefined;
  return { code: Number(match[2]), isHttp11: match[1] === '1' };
}

/** Whether the line was a field. */
function addField(
  headers: Record<string, string | string[]>,
  text: string,
  start: number,
  end: number,
): boolean {
  let at = start;
  while (at < end && isTokenCode(text.charCodeAt(at))) at += 1;
  if (at === start || at === end || text[at] !== ':') return false;
  let from = at + 1;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  if (!isFieldText(text, from, to)) return false;
  const name = text.slice(start, at).toLowerCase();
  const value = text.slice(from, to);
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else headers[name] = [before, value];
  return true;
}

/** HTAB, SP, VCHAR and obs-text. */
function isFieldText(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false;
  }
  return true;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

const tokenCodes = new Set(
  Array.from("!#$%&'*+-.^_`|~0123456789", (char) => char.charCodeAt(0)).concat(
    Array.from({ length: 26 }, (_, index) => [0x41 + index, 0x61 + index]).flat(),
  ),
);

function isTokenCode(code: number): boolean {
  return tokenCodes.has(code);
}

function bodyBytes(status: number, headers: Record<string, string | string[]>): number | undefined {
  if (status < 200 || status === 204 || status === 304) return 0;
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined || typeof length !== 'string' || !/^\d{1,15}$/.test(length))
    return undefined;
  return Number(length);
}
