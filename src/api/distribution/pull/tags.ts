import type { FastifyReply } from 'fastify';
import { readTagPages } from '../../../db/reads/tags/read-tags.ts';
import type { TagRow } from '../../../db/reads/tags/read-tags.ts';
import { tidemarkLists } from '../../../oci/hosts/tidemark-lists.ts';
import type { Exchange } from '../exchange.ts';
import { askedAs, clientName, clientPath, sendJson } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import { nextLink, pageMaxRows, parsePage } from './paging.ts';
import { announceState } from './served-state.ts';

/** Another Tidemark reads them. A page has some 2 MB. */
const digestsAtMost = 10_000;

/** distribution-spec, "Listing Tags": in lexical order, after `last`, at most `n`, with a Link to the next page. */
export async function answerTags(exchange: Exchange, name: string): Promise<FastifyReply> {
  exchange.reply.header(tidemarkLists.header, tidemarkLists.value);
  const asked = askedAs(exchange, name);
  const link = { path: `/v2/${asked.name}/tags/list`, query: asked.query, most: pageMaxRows };
  const rows = await readPage(exchange, name, { ...link, announces: true });
  return sendJson(exchange, { name: asked.name, tags: rows.map((row) => row.name) });
}

/** docs/serving.md, "Tags with digests": the same pages with the digest and media type of each tag. */
export async function answerTagDigests(exchange: Exchange, name: string): Promise<FastifyReply> {
  const path = `${clientPath(exchange, name)}/_tidemark/${tidemarkLists.value}`;
  const rows = await readPage(exchange, name, { path, query: {}, most: digestsAtMost, announces: false });
  const tags = rows.map(({ name: tag, digest, mediaType }) => ({ name: tag, digest, mediaType }));
  return sendJson(exchange, { name: clientName(exchange, name), tags });
}

async function readPage(
  exchange: Exchange,
  name: string,
  {
    path,
    query,
    most,
    announces,
  }: {
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    readonly most: number;
    /** Whether the first page announces the state that it lists. */
    readonly announces: boolean;
  },
): Promise<readonly TagRow[]> {
  const { first, after } = parsePage(exchange.query, most);
  const version = await findServedVersion(exchange, name);
  if (announces && after === undefined) await announceState(exchange, version);
  if (first === 0) return [];
  const page = { first, after, change: 'PRESENT', nameRegex: undefined } as const;
  const [{ rows, hasNext } = { rows: [], hasNext: false }] = await readTagPages(exchange.em, [version], page);
  const last = rows.at(-1)?.name;
  if (hasNext && last !== undefined)
    exchange.reply.header('link', nextLink(path, { ...query, n: String(first), last }));
  return rows;
}
