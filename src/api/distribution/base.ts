import type { FastifyReply } from 'fastify';
import { hasAtomicSignatures } from '../../db/reads/read-signatures.ts';
import type { Exchange } from './exchange.ts';
import { sendJson } from './exchange.ts';

/**
 * distribution-spec, "Determining Support": 200 says that this is a registry. The header says that it serves atomic signatures, too: only
 * where it has any, since clients then ask for those of every image.
 */
export async function answerBase(exchange: Exchange): Promise<FastifyReply> {
  if (await hasAtomicSignatures(exchange.em)) exchange.reply.header('x-registry-supports-signatures', '1');
  return sendJson(exchange, {});
}
