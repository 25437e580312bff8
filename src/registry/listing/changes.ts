import { isDigest } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import { isTidemarkState, tidemarkChanges } from '../../oci/hosts/tidemark-lists.ts';
import { isTagName } from '../../oci/tag-name.ts';
import { nextLink } from '../tags/link.ts';
import { describeUrl, joinedHeader } from '../transport/exchange.ts';
import { parseJson, readAnswer } from './list-digests.ts';
import type { ListRequest } from './list-digests.ts';
import { fieldsOf, listedDigest } from './listing.ts';
import type { ChangesPage, SetTag } from './listing.ts';

const pageSize = 10_000;

/**
 * The pages of the changes since a state. URLs of the answers are not followed. @throws TidemarkError as `listDigests` does; one with the status
 * 410 if the changes since this state cannot be told.
 */
export async function* listChanges(
  { requester, repository: { apiBase, upstreamName }, signal }: ListRequest,
  since: string,
): AsyncGenerator<ChangesPage> {
  const url = new URL(`${apiBase}/v2/${upstreamName}/_tidemark/${tidemarkChanges}`);
  url.searchParams.set('since', since);
  url.searchParams.set('n', String(pageSize));
  for (let asked: URL | undefined = url; asked !== undefined;) {
    const { page, next }: ReadPage = await readPage({ requester, asked, signal });
    yield page;
    asked = next;
  }
}

interface ReadPage {
  readonly page: ChangesPage;
  readonly next: URL | undefined;
}

async function readPage({
  requester,
  asked,
  signal,
}: Pick<ListRequest, 'requester' | 'signal'> & { readonly asked: URL }): Promise<ReadPage> {
  return readAnswer({ requester, asked, signal, isAnonymous: false }, async (response, body) => {
    const page = pageOf(parseJson(body), response.headers['x-registry-supports-signatures'] === '1');
    if (page === undefined || page.state !== (asked.searchParams.get('until') ?? page.state))
      throw invalid(asked);
    const hasNext = nextLink(joinedHeader(response.headers, 'link')) !== undefined;
    return Promise.resolve({ page, next: hasNext ? pageAfter(asked, page) : undefined });
  });
}

/** Undefined unless every entry is valid: what cannot be read may be a change. */
function pageOf(document: unknown, hasSignatures: boolean): ChangesPage | undefined {
  const { state, tags, subjects } = fieldsOf(document) ?? {};
  if (typeof state !== 'string' || !isTidemarkState(state)) return undefined;
  if (!Array.isArray(tags) || !Array.isArray(subjects)) return undefined;
  const set: SetTag[] = [];
  const removed: string[] = [];
  for (const entry of tags) {
    const { name, change, digest, mediaType } = fieldsOf(entry) ?? {};
    const listed = listedDigest(name, digest, mediaType);
    const isNew = change === 'ADDED';
    if (listed !== undefined && (isNew || change === 'MOVED')) set.push({ ...listed, isNew });
    else if (change === 'REMOVED' && typeof name === 'string' && isTagName(name)) removed.push(name);
    else return undefined;
  }
  const digests = subjects.filter(
    (subject): subject is Digest => typeof subject === 'string' && isDigest(subject),
  );
  return digests.length === subjects.length
    ? { state, set, removed, subjects: digests, hasSignatures }
    : undefined;
}

/** @throws TidemarkError `UPSTREAM_PAGINATION_LOOP` if the page is empty, or not after the one before. */
function pageAfter(asked: URL, { state, set, removed, subjects }: ChangesPage): URL {
  const names = [...set.map(({ name }) => name), ...removed].sort();
  const last = subjects.at(-1) ?? names.at(-1);
  const before = asked.searchParams.get('last') ?? '';
  if (last === undefined || (last <= before && !(last.includes(':') && !before.includes(':'))))
    throw loop(asked);
  const url = new URL(asked);
  url.searchParams.set('until', state);
  url.searchParams.set('last', last);
  return url;
}

function invalid(asked: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RESPONSE_INVALID',
    `GET ${describeUrl(asked)} was answered with another document than changes since a state. The whole list of tags is read.`,
  );
}

function loop(asked: URL): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_PAGINATION_LOOP',
    `GET ${describeUrl(asked)}: the pages of changes repeat. The whole list of tags is read.`,
  );
}
