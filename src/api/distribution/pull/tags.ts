import type { FastifyReply } from 'fastify';
import { readTagPages } from '../../../db/reads/tags/read-tags.ts';
import type { Exchange } from '../exchange.ts';
import { sendJson } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import { nextLink, parsePage } from './paging.ts';

/** distribution-spec, "Listing Tags": in lexical order, after `last`, at most `n`, with a Link to the next page. */
export async function answerTags(exchange: Exchange, name: string): Promise<FastifyReply> {
  const { first, after } = parsePage(exchange.query);
  const version = await findServedVersion(exchange, name);
  if (first === 0) return sendJson(exchange, { name, tags: [] });
  const [page] = await readTagPages(exchange.em, [version], {
    first,
    after,
    change: 'PRESENT',
    nameRegex: undefined,
  });
  const tags = page?.rows.map((row) => row.name) ?? [];
  const last = tags.at(-1);
  if (page?.hasNext === true && last !== undefined)
    exchange.reply.header('link', nextLink(`/v2/${name}/tags/list`, { n: String(first), last }));
  return sendJson(exchange, { name, tags });
}
