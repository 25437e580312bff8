import type { FastifyReply } from 'fastify';
import { hasAtomicSignatures } from '../../../db/reads/read-signatures.ts';
import { tidemarkLists } from '../../../oci/hosts/tidemark-lists.ts';
import type { Exchange } from '../exchange.ts';
import { sendJson } from '../exchange.ts';

/**
 * distribution-spec, "Determining Support". One header announces atomic signatures. It is sent only if there are any, because clients then
 * request them for every image. The other one announces our list of tags with digests.
 */
export async function answerBase(exchange: Exchange): Promise<FastifyReply> {
  exchange.reply.header(tidemarkLists.header, tidemarkLists.value);
  if (await hasAtomicSignatures(exchange.em)) exchange.reply.header('x-registry-supports-signatures', '1');
  return sendJson(exchange, {});
}
