/** The part of a content that is sent. */
export interface ByteRange {
  readonly start: number;
  readonly lengthBytes: number;
}

/**
 * Reads a Range header (RFC 9110 section 14.2): the one part that it asks for, `whole` where there is no header, another unit, more
 * than one range or a mistake in it, `unsatisfiable` where it begins beyond the end.
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=\s*([0-9]{0,20})-([0-9]{0,20})\s*$/i.exec(header ?? '');
  if (match === null) return 'whole';
  const [, from = '', to = ''] = match;
  if (from === '') {
    if (to === '') return 'whole';
    const lengthBytes = Math.min(Number(to), sizeBytes);
    return lengthBytes === 0 ? 'unsatisfiable' : { start: sizeBytes - lengthBytes, lengthBytes };
  }
  const start = Number(from);
  if (to !== '' && Number(to) < start) return 'whole';
  if (start >= sizeBytes) return 'unsatisfiable';
  const end = to === '' ? sizeBytes : Math.min(Number(to) + 1, sizeBytes);
  return { start, lengthBytes: end - start };
}

/** If-Range (RFC 9110 section 13.1.5): a range counts only for the content that the client has the rest of. */
export function isRangeCurrent(ifRange: string | string[] | undefined, digest: string): boolean {
  return ifRange === undefined || ifRange === `"${digest}"`;
}
