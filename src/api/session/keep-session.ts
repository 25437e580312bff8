import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OpenedSession } from '../../access/sessions.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { readSessionSecret, sessionCookie, setCookie } from './session-cookie.ts';

/** Gives the browser a new session, which replaces the one that it has. */
export async function keepSession(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { secret, expiresAt }: OpenedSession,
  { access, config }: Pick<ApiDependencies, 'access' | 'config'>,
): Promise<void> {
  const earlier = readSessionSecret(headers, config);
  if (earlier !== undefined) await access.endSession(earlier);
  const leftSeconds = Math.max(1, Math.floor((expiresAt.getTime() - Date.now()) / 1_000));
  // Fastify sends each of several.
  reply.header('set-cookie', setCookie(sessionCookie, config, secret, leftSeconds));
}
