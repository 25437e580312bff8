import { quoteValue } from '../../../oci/error.ts';
import { refuse } from '../error.ts';

/** The maximum of rows in a page, with any `n` and without one (CVE-2023-2253). */
export const pageMaxRows = 1000;

export interface PageRequest {
  /** 0 to the maximum. */
  readonly first: number;
  readonly after: string | undefined;
}

/**
 * `n` and `last` (distribution-spec, "Listing Tags").
 * @throws TidemarkError `PAGINATION_NUMBER_INVALID`
 */
export function parsePage(query: URLSearchParams, most = pageMaxRows): PageRequest {
  const n = query.get('n');
  const after = query.get('last') ?? undefined;
  if (n === null) return { first: most, after };
  if (!/^[0-9]{1,20}$/.test(n))
    throw refuse(
      'PAGINATION_NUMBER_INVALID',
      `n is ${quoteValue(n)}; expected a whole number from 0. A page has at most ${most}.`,
    );
  return { first: Math.min(Number(n), most), after };
}

/** The value of a `Link` header to the next page (RFC 8288). */
export function nextLink(path: string, query: Readonly<Record<string, string>>): string {
  return `<${path}?${new URLSearchParams(query).toString()}>; rel="next"`;
}
