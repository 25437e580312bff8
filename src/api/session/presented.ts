import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Presented } from '../../access/credentials.ts';
import { csrfOf } from '../../access/sessions.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { isOwnPage } from '../host-guard.ts';
import { readSessionSecret } from './session-cookie.ts';

type Api = Pick<ApiDependencies, 'access' | 'config'>;

export const csrfHeader = 'x-tidemark-csrf';

/**
 * The credentials of an HTTP request to the GraphQL API. A browser sends the session cookie with requests that other pages cause, so it is
 * accepted from our own pages only, and changes need the value that only they can read (fault 87).
 * @throws TidemarkError `FORBIDDEN`
 */
export function presentedBy({ headers, method }: FastifyRequest, { access, config }: Api): Presented {
  const { authorization } = headers;
  const session = authorization === undefined && access.isOn ? readSessionSecret(headers, config) : undefined;
  if (session === undefined) return { authorization, session };
  if (!isOwnPage(headers, config.publicUrl))
    throw refuseSession(
      'A session cookie is accepted only from pages of this server, and neither Origin nor Sec-Fetch-Site names it',
    );
  if (method !== 'GET' && method !== 'HEAD' && !isCsrf(headers[csrfHeader], session))
    throw refuseSession(
      `A session cookie needs the header ${csrfHeader} with the value of "csrf" from GET /session`,
    );
  return { authorization, session };
}

/** The secret of the session of a WebSocket, if a page of our own opens it. */
export function sessionOfSocket(headers: IncomingHttpHeaders, { access, config }: Api): string | undefined {
  const isOwn = headers.origin !== undefined && isOwnPage(headers, config.publicUrl);
  return access.isOn && isOwn ? readSessionSecret(headers, config) : undefined;
}

function isCsrf(value: string | string[] | undefined, secret: string): boolean {
  const given = Buffer.from(typeof value === 'string' ? value : '');
  const wanted = Buffer.from(csrfOf(secret));
  return given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted);
}

function refuseSession(what: string): TidemarkError {
  return new TidemarkError('FORBIDDEN', `${what}. Programs send an Authorization header instead.`, {
    origin: 'caller',
    status: 403,
  });
}
