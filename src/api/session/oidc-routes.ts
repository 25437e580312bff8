import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { OidcLogin } from '../../access/oidc-login.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { publicUrl } from '../distribution/authorise.ts';
import { keepSession } from './keep-session.ts';
import { clearCookie, loginCookie, readCookie, setCookie } from './session-cookie.ts';

const beginPath = '/session/oidc';
const callbackPath = `${beginPath}/callback`;

/**
 * Logins at the OIDC issuer: `/session/oidc?to=/path` sends the browser there, and the issuer sends it back to the callback, which opens the
 * session and continues at the path. A failure continues at `/login?error=<code>`.
 */
export function serveOidcLogin(app: FastifyInstance, api: ApiDependencies, login: OidcLogin): void {
  app.get(beginPath, (request, reply) =>
    orExplain(reply, api, async () => {
      const path = readPath(queryOf(request).get('to'));
      const redirectUrl = `${publicUrl(request, api)}${callbackPath}`;
      const { url, pending, pendingSeconds } = await login.begin(redirectUrl, path);
      return goOn(reply, url, setCookie(loginCookie, api.config, pending, pendingSeconds));
    }),
  );
  app.get(callbackPath, (request, reply) =>
    orExplain(reply, api, async () => {
      const answered = new URL(`${publicUrl(request, api)}${request.originalUrl}`);
      const pending = readCookie(loginCookie, request.headers, api.config) ?? '';
      const { subject, path } = await login.finish(answered, pending);
      const opened = await api.access.openSubjectSession(subject);
      await keepSession(request, reply, opened, api);
      return goOn(reply, path, clearCookie(loginCookie, api.config));
    }),
  );
}

/** A path of this server, so that no link leads through a login to another site. */
function readPath(text: string | null): string {
  const base = 'http://this.server.invalid';
  const url = text?.startsWith('/') === true && text.length <= 2_000 ? URL.parse(text, base) : null;
  // `/.//host` has this origin, and its path, `//host`, leads to another one
  const isOwn = url?.origin === base && !url.pathname.startsWith('//');
  return isOwn ? `${url.pathname}${url.search}${url.hash}` : '/';
}

function queryOf({ originalUrl }: FastifyRequest): URLSearchParams {
  const mark = originalUrl.indexOf('?');
  return new URLSearchParams(mark < 0 ? '' : originalUrl.slice(mark + 1));
}

function goOn(reply: FastifyReply, url: string, cookie: string): FastifyReply {
  return reply.header('set-cookie', cookie).header('cache-control', 'no-store').redirect(url, 303);
}

async function orExplain(
  reply: FastifyReply,
  { config, logger }: ApiDependencies,
  work: () => Promise<FastifyReply>,
): Promise<FastifyReply> {
  try {
    return await work();
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    logger.warn({ err: error }, 'a login at the OIDC issuer failed');
    return goOn(reply, `/login?error=${error.code}`, clearCookie(loginCookie, config));
  }
}
