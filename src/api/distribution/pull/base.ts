import type { FastifyReply } from 'fastify';
import { hasAtomicSignatures } from '../../../db/reads/read-signatures.ts';
import type { Exchange } from '../exchange.ts';
import { sendJson } from '../exchange.ts';

/**
 * distribution-spec, "Determining Support". The header announces atomic signatures. It is sent only if there are any, because clients then
 * request them for every image.
 */
export async function answerBase(exchange: Exchange): Promise<FastifyReply> {
  if (await hasAtomicSignatures(exchange.em)) exchange.reply.header('x-registry-supports-signatures', '1');
  return sendJson(exchange, {});
}
