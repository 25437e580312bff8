import { json } from '../upstream/fake-upstream.ts';
import type { CannedAnswer } from '../upstream/fake-upstream.ts';
import type { TagsBehavior } from './profile.ts';

/** So few names a page, for registries that page: contents are small here. */
const pageLength = 3;
const cursorMark = 'Opaque/+=';

export interface TagsRequest {
  readonly url: URL;
  readonly origin: string;
  readonly name: string;
  /** In the order that they were made. */
  readonly names: readonly string[];
}

export function tagPage(tags: TagsBehavior, { url, origin, name, names }: TagsRequest): CannedAnswer {
  const refused = refusal(tags, url);
  if (refused !== undefined) return refused;
  const all = tags.order === 'newest' ? names.toReversed() : names.toSorted();
  const last = url.searchParams.get('last') ?? '';
  const start = startOf(tags, all, last);
  if (start === undefined) return badRequest('UNSUPPORTED', "Invalid parameter at 'nextToken'");
  const n = Number(url.searchParams.get('n') ?? '100');
  const length =
    tags.link !== undefined ? Math.min(n, pageLength) : tags.withoutLink === true ? n : all.length;
  const page = all.slice(start, start + length);
  const end = start + page.length;
  const headers: Record<string, string> = { 'content-type': tags.contentType ?? 'application/json' };
  if (tags.link !== undefined && end < all.length) {
    const next = tags.cursor === 'opaque' ? `${cursorMark}${end}` : (page.at(-1) ?? '');
    headers['link'] = tags.link({ origin, path: url.pathname, n: length, last: next });
  }
  return json({ name, tags: page, ...tags.extra?.(page) }, headers);
}

/** The value of Link as most write it. */
export function relativeLink({ path, n, last }: { path: string; n: number; last: string }): string {
  return `<${path}?n=${n}&last=${encodeURIComponent(last)}>; rel="next"`;
}

function startOf(tags: TagsBehavior, all: readonly string[], last: string): number | undefined {
  if (last === '' || (tags.link === undefined && tags.withoutLink !== true)) return 0;
  if (tags.cursor === 'opaque')
    return last.startsWith(cursorMark) ? Number(last.slice(cursorMark.length)) : undefined;
  if (tags.order === 'newest') return all.indexOf(last) + 1;
  return all.filter((name) => name <= last).length;
}

function refusal({ refusesAbove }: TagsBehavior, url: URL): CannedAnswer | undefined {
  if (refusesAbove === undefined || Number(url.searchParams.get('n') ?? 0) <= refusesAbove.n)
    return undefined;
  return json(
    { errors: [{ code: refusesAbove.code, message: 'invalid number of results requested' }] },
    {},
    refusesAbove.status,
  );
}

function badRequest(code: string, message: string): CannedAnswer {
  return json({ errors: [{ code, message }] }, {}, 400);
}
