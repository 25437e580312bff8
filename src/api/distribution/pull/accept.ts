import { compatibleType, isGenericType, isMediaType } from '../../../oci/manifest/media-type.ts';

/**
 * Whether `Accept` allows a manifest of this type (RFC 9110 section 12.5.1). A header that is absent or unreadable allows all. A range for
 * generic JSON allows every manifest; `q=0` excludes; the most specific range decides. OCI's and Docker's types for the same structure are
 * equivalent, as in other registries; manifests are never converted.
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

/** Whether `Accept` names exactly this type. */
export function isNamed(accept: string | undefined, mediaType: string): boolean {
  return parseAccept(accept ?? '').some(({ type, quality }) => type === mediaType && quality > 0);
}

interface AcceptRange {
  readonly type: string;
  readonly quality: number;
}

/** An unreadable part is skipped; an unreadable quality is 1. */
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
