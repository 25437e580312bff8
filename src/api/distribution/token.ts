import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { mayDo, registryActions } from '../../access/registry-rights.ts';
import type { RegistryAction, RepositoryScope } from '../../access/registry-token.ts';
import { registryTokenSeconds } from '../../access/registry-token.ts';
import { visibilityOf } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import { readPublicNames } from '../../db/distributions/distributions.ts';
import { readProxiedScopes } from '../../db/proxies/find-proxy.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { sendError, toFailure } from './error.ts';
import { prefixFor } from './docker-hub.ts';
import type { DistributionDependencies } from './exchange.ts';

/** Clients request one or two: the repository, and the source of a mount. */
const mostScopes = 50;

/**
 * docker's token flow: `GET /token?service=…&scope=…`, with Basic or without credentials, returns a registry token. Its scopes are reduced to the
 * rights of the caller; forbidden and absent repositories are indistinguishable (fault 82).
 */
export function serveTokens(app: FastifyInstance, api: DistributionDependencies): void {
  app.get(
    '/token',
    {
      errorHandler: (error, request, reply) => {
        const failure = toFailure(error, request, api);
        if (failure.status === 401) reply.header('www-authenticate', 'Basic realm="tidemark"');
        void sendError(reply, failure);
      },
    },
    async (request, reply) => {
      if (!api.access.isOn) return reply.callNotFound();
      return answerToken(request, reply, api);
    },
  );
}

async function answerToken(
  request: FastifyRequest,
  reply: FastifyReply,
  { access, database, config }: DistributionDependencies,
): Promise<FastifyReply> {
  const prefix = prefixFor(request, config);
  const asked = parseScopes(request.originalUrl).map(({ name, actions }) => ({
    name: `${prefix}${name}`,
    actions,
  }));
  const narrowAll = async (viewer: Viewer): Promise<RepositoryScope[]> => {
    const open = await readPublicNames(
      database.em.fork(),
      asked.map(({ name }) => name),
      access.isOn,
    );
    const proxied = await readProxiedScopes(
      database.em.fork(),
      asked.map(({ name }) => name),
      { visibility: visibilityOf(viewer), isShared: access.isOn },
    );
    return asked.flatMap((scope) =>
      narrow(viewer, scope, { isPrivate: !open.has(scope.name), isProxied: proxied.has(scope.name) }),
    );
  };
  const token = await access.issue(request.headers.authorization, narrowAll).catch((error: unknown) => {
    // dockerd sends its login at Docker Hub to mirrors too. A login at this address itself asks for no scope.
    const isPull = prefix !== '' && asked.length > 0;
    if (isPull && isTidemarkError(error) && error.code === 'UNAUTHENTICATED')
      return access.issue(undefined, narrowAll);
    throw error;
  });
  return reply.header('cache-control', 'no-store').send({
    token: token.text,
    access_token: token.text,
    expires_in: Math.min(token.expiresInSeconds, registryTokenSeconds),
    issued_at: token.issuedAt.toISOString(),
  });
}

/** `scope=repository:<name>:<actions>`, repeated; some clients put several into one, separated by blanks. */
function parseScopes(url: string): RepositoryScope[] {
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const words = query.getAll('scope').flatMap((text) => text.split(' '));
  return words.slice(0, mostScopes).flatMap((word) => {
    const [, name = '', list = ''] = /^repository(?:\([a-z]+\))?:(.+):([a-z,*]*)$/.exec(word) ?? [];
    if (!isRepositoryName(name)) return [];
    const asked = list.split(',');
    const actions = registryActions.filter((action) => asked.includes(action) || asked.includes('*'));
    return [{ name, actions }];
  });
}

/** @param isProxied Whether the viewer may pull what a proxy serves by this name. Each pull checks the rights of what it serves. */
function narrow(
  viewer: Viewer,
  { name, actions }: RepositoryScope,
  { isPrivate, isProxied }: { readonly isPrivate: boolean; readonly isProxied: boolean },
): RepositoryScope[] {
  const allowed = actions.filter(
    (action: RegistryAction) => (action === 'pull' && isProxied) || mayDo(viewer, action, name, isPrivate),
  );
  return allowed.length === 0 ? [] : [{ name, actions: allowed }];
}
