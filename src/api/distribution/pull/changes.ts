import type { FastifyReply } from 'fastify';
import { hasAtomicSignatures } from '../../../db/reads/read-signatures.ts';
import { readTagChanges } from '../../../db/reads/tags/read-tag-changes.ts';
import { tidemarkChanges } from '../../../oci/hosts/tidemark-lists.ts';
import type { Exchange } from '../exchange.ts';
import { clientName, clientPath, sendJson } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import { nextLink, parsePage } from './paging.ts';
import { gone, parseStates } from './served-state.ts';

/** A page has some 2 MB. */
const changesAtMost = 10_000;

/** docs/serving.md, "Changes since a state": the tags that were set, moved or removed, and the manifests whose referrers are others. */
export async function answerTagChanges(exchange: Exchange, name: string): Promise<FastifyReply> {
  const { query, reply, em } = exchange;
  const { first: asked, after } = parsePage(query, changesAtMost);
  const version = await findServedVersion(exchange, name);
  const shown = clientName(exchange, name);
  const { since, until } = await parseStates(exchange, shown, version);
  const first = Math.max(1, asked);
  const { repositoryId } = version;
  const pair = { from: { repositoryId, number: since.number }, to: { repositoryId, number: until.number } };
  const isSame = since.number === until.number;
  const page = isSame ? { rows: [], hasNext: false } : await readTagChanges(em, pair, { first, after });
  if (page === undefined) throw gone(shown, since.state);
  const last = page.rows.at(-1)?.key;
  if (page.hasNext && last !== undefined) {
    const next = { since: since.state, until: until.state, n: String(first), last };
    reply.header('link', nextLink(`${clientPath(exchange, name)}/_tidemark/${tidemarkChanges}`, next));
  }
  if (await hasAtomicSignatures(em)) reply.header('x-registry-supports-signatures', '1');
  reply.header('cache-control', 'no-store');
  const ofKind = (kind: 'tag' | 'subject') => page.rows.filter((row) => row.kind === kind);
  return sendJson(exchange, {
    name: shown,
    since: since.state,
    state: until.state,
    tags: ofKind('tag').map(({ key: tag, change, digest, mediaType }) => ({
      name: tag,
      change,
      ...(digest !== null && { digest, mediaType }),
    })),
    subjects: ofKind('subject').map(({ key }) => key),
  });
}
