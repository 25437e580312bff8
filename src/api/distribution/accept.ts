import { compatibleType, isGenericType, isMediaType } from '../../oci/manifest/media-type.ts';

/**
 * Whether `Accept` lets a manifest of this type through (RFC 9110 section 12.5.1). Absent, or nothing readable in it: anything. A
 * range for JSON in general takes every manifest, which all are JSON; `q=0` excludes, and the most specific range decides. OCI's and
 * Docker's types for the same structure stand for each other: registries answer so, and nothing is converted.
 */
export function isAcceptable(accept: string | undefined, mediaType: string): boolean {
  const ranges = parseAccept(accept ?? '');
  if (ranges.length === 0) return true;
  const [type = ''] = mediaType.split('/', 1);
  const wanted = [
    ranges.filter((range) => range.type === mediaType.toLowerCase()),
    ranges.filter((range) => range.type === compatibleType(mediaType)),
    ranges.filter((range) => isGenericType(range.type)),
    ranges.filter((range) => range.type === `${type}/*`),
    ranges.filter((range) => range.type === '*/*'),
  ];
  return wanted.find((matching) => matching.length > 0)?.some((range) => range.quality > 0) ?? false;
}

/** Whether `Accept` names this very type. */
export function isNamed(accept: string | undefined, mediaType: string): boolean {
  return parseAccept(accept ?? '').some(({ type, quality }) => type === mediaType && quality > 0);
}

interface AcceptRange {
  readonly type: string;
  readonly quality: number;
}

/** A part that cannot be read is left out; a quality that cannot be read is 1. */
function parseAccept(accept: string): AcceptRange[] {
  return accept.split(',').flatMap((part) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const isRange = range === '*/*' || /^[a-z0-9-]+\/\*$/.test(range) || isMediaType(range);
    if (!isRange) return [];
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    return [
      { type: range, quality: /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 1 },
    ];
  });
}
