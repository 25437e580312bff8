import type { FastifyReply } from 'fastify';
import { anonymous, visibilityOf } from '../../../access/viewer.ts';
import type { Visibility } from '../../../db/access/visibility.ts';
import { readBasePathPage } from '../../../db/distributions/distributions.ts';
import type { Exchange } from '../exchange.ts';
import { clientName, sendJson } from '../exchange.ts';
import { nextLink, parsePage } from './paging.ts';

/** Without logins: what an anonymous caller sees. */
function seenAtRegistry({ client: { viewer }, api }: Exchange) {
  const visibility: Visibility = visibilityOf(viewer.kind === 'everybody' ? anonymous : viewer);
  return { visibility, isShared: api.access.isOn };
}

/** docker's "Listing Repositories", reserved by the specification: the served names, paged like tags. */
export async function answerCatalog(exchange: Exchange): Promise<FastifyReply> {
  const { first, after } = parsePage(exchange.query);
  if (first === 0) return sendJson(exchange, { repositories: [] });
  const page = await readBasePathPage(exchange.em, seenAtRegistry(exchange), {
    first,
    after,
    prefix: exchange.prefix,
  });
  const repositories = page.rows.map((row) => clientName(exchange, row.basePath));
  const last = repositories.at(-1);
  if (page.hasNext && last !== undefined)
    exchange.reply.header('link', nextLink('/v2/_catalog', { n: String(first), last }));
  return sendJson(exchange, { repositories });
}
