import type { FastifyReply } from 'fastify';
import type { Exchange } from './exchange.ts';
import { sendJson } from './exchange.ts';

/** distribution-spec, "Determining Support": 200 says that this is a registry. */
export function answerBase(exchange: Exchange): FastifyReply {
  return sendJson(exchange, {});
}
