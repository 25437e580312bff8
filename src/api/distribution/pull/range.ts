/** A part of a blob. */
export interface ByteRange {
  readonly start: number;
  readonly lengthBytes: number;
}

/**
 * Parses a Range header (RFC 9110 section 14.2). `whole`: no header, another unit, several ranges, or a syntax error. `unsatisfiable`: the range
 * begins beyond the end.
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

/** If-Range (RFC 9110 section 13.1.5): a range applies only to the content that the client has in part. */
export function isRangeCurrent(ifRange: string | string[] | undefined, digest: string): boolean {
  return ifRange === undefined || ifRange === `"${digest}"`;
}
