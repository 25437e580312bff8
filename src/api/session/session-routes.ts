import type { FastifyInstance } from 'fastify';
import type { ApiDependencies } from '../dependencies.ts';

/** The answer of `/session`: how to log in, and who is logged in. */
export interface SessionAnswer {
  readonly login: 'none' | 'tokens' | 'oidc';
  readonly caller: { readonly name: string; readonly kind: string } | null;
  /** The value of `x-tidemark-csrf`. */
  readonly csrf: string | null;
  readonly oidc: { readonly url: string } | null;
  readonly temporalUiUrl: string | null;
  readonly version: string;
}

/** The login of the web console at `/session`. */
export function serveSessions(app: FastifyInstance, api: ApiDependencies): void {
  app.get('/session', (_request, reply) => {
    const { isOn } = api.access;
    const answer: SessionAnswer = {
      login: isOn ? 'tokens' : 'none',
      caller: isOn ? null : { name: 'everybody', kind: 'everybody' },
      csrf: null,
      oidc: null,
      temporalUiUrl: isOn ? null : (api.config.temporalUiUrl ?? null),
      version: api.config.version,
    };
    return reply.header('cache-control', 'no-store').send(answer);
  });
}
