import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { csrfOf } from '../../access/sessions.ts';
import type { Viewer } from '../../access/viewer.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { keepSession } from './keep-session.ts';
import { serveOidcLogin } from './oidc-routes.ts';
import { clearCookie, readSessionSecret, sessionCookie } from './session-cookie.ts';

/** The answer of `/session`: how to log in, and who is logged in. */
export interface SessionAnswer {
  readonly login: 'none' | 'tokens' | 'oidc';
  readonly caller: { readonly name: string; readonly kind: Viewer['kind'] } | null;
  /** The value of `x-tidemark-csrf`. */
  readonly csrf: string | null;
  /** Where a login at the issuer begins. */
  readonly oidc: { readonly url: string } | null;
  readonly temporalUiUrl: string | null;
  readonly version: string;
}

/**
 * The login of the web console at `/session`: GET tells who is logged in, POST logs in with a token, DELETE logs out. The browser keeps a
 * secret in a cookie that no script can read.
 */
export function serveSessions(app: FastifyInstance, api: ApiDependencies): void {
  app.get('/session', async (request, reply) => {
    const secret = isOwnRequest(request) ? readSessionSecret(request.headers, api.config) : undefined;
    const viewer = await findViewer(secret, api);
    if (viewer.kind === 'anonymous' && secret !== undefined)
      reply.header('set-cookie', clearCookie(sessionCookie, api.config));
    return send(reply, describe(api, viewer, secret));
  });
  app.post('/session', async (request, reply) => {
    const token = readToken(request.body);
    if (!api.access.isOn) return send(reply, describe(api, await findViewer(undefined, api), undefined));
    const opened = await api.access.openSession(token);
    await keepSession(request, reply, opened, api);
    return send(reply, describe(api, await findViewer(opened.secret, api), opened.secret));
  });
  app.delete('/session', async (request, reply) => {
    const secret = readSessionSecret(request.headers, api.config);
    if (secret !== undefined) await api.access.endSession(secret);
    return reply
      .code(204)
      .headers({ 'set-cookie': clearCookie(sessionCookie, api.config), 'cache-control': 'no-store' })
      .send();
  });
  if (api.access.oidcLogin !== undefined) serveOidcLogin(app, api, api.access.oidcLogin);
}

/** Whether the browser does not name a page of another site. */
function isOwnRequest({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none';
}

/** `anonymous` without a session, and for one that has ended. */
async function findViewer(session: string | undefined, { access }: ApiDependencies): Promise<Viewer> {
  try {
    return await access.identify({ authorization: undefined, session });
  } catch (error) {
    if (!isTidemarkError(error) || error.code !== 'UNAUTHENTICATED') throw error;
    return access.identify({ authorization: undefined, session: undefined });
  }
}

function describe(
  { access, config }: ApiDependencies,
  viewer: Viewer,
  secret: string | undefined,
): SessionAnswer {
  const { name, kind } = viewer;
  const isKnown = kind !== 'anonymous';
  return {
    login: !access.isOn ? 'none' : access.hasTokens ? 'tokens' : 'oidc',
    caller: isKnown ? { name, kind } : null,
    csrf: access.isOn && isKnown && secret !== undefined ? csrfOf(secret) : null,
    oidc: access.oidcLogin === undefined ? null : { url: '/session/oidc' },
    temporalUiUrl: isKnown ? (config.temporalUiUrl ?? null) : null,
    version: config.version,
  };
}

function send(reply: FastifyReply, answer: SessionAnswer): FastifyReply {
  return reply.header('cache-control', 'no-store').send(answer);
}

/** @throws TidemarkError `BAD_REQUEST` */
function readToken(body: unknown): string {
  const { token } = (body ?? {}) as { readonly token?: unknown };
  if (typeof token === 'string' && token.trim() !== '') return token.trim();
  throw new TidemarkError('BAD_REQUEST', 'The body has no token; expected {"token": "…"}.', {
    origin: 'caller',
    status: 400,
  });
}
