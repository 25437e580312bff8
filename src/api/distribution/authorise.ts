import type { FastifyRequest } from 'fastify';
import { clientMay } from '../../access/registry-rights.ts';
import { registryService } from '../../access/registry-token.ts';
import type { RegistryAction } from '../../access/registry-token.ts';
import { quoteValue } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { isForDockerHub } from './docker-hub.ts';
import { refuse } from './error.ts';
import { clientName } from './exchange.ts';
import type { DistributionDependencies, Exchange } from './exchange.ts';
import { trimTrailingSlashes } from '../../oci/trim-ends.ts';

/** The base URL under which the client of a request reaches this server. */
export function publicUrl(
  { headers, raw }: FastifyRequest,
  { config }: Pick<DistributionDependencies, 'config'>,
): string {
  const configured = isForDockerHub(raw, config) ? config.dockerHub?.url : config.publicUrl;
  return configured === undefined ? `http://${headers.host ?? config.host}` : trimTrailingSlashes(configured);
}

/** The `WWW-Authenticate` header (RFC 6750 section 3) with the parameters of docker's token flow. */
export function challenge(
  request: FastifyRequest,
  api: Pick<DistributionDependencies, 'config'>,
  parameters: Readonly<Record<string, string>> = {},
): string {
  const all = { realm: `${publicUrl(request, api)}/token`, service: registryService, ...parameters };
  const quoted = Object.entries(all).map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, '')}"`);
  return `Bearer ${quoted.join(',')}`;
}

/**
 * Checks the rights of a write, and logins at the base and the catalog. A read is checked in `findServedVersion`, because public repositories
 * need no login.
 * @throws TidemarkError `UNAUTHORIZED`, `DENIED`
 */
export function authorise(exchange: Exchange, isPush: boolean): void {
  const { path } = exchange;
  const { viewer, scopes } = exchange.client;
  if (path.resource === 'base' || path.resource === 'catalog') {
    // Clients such as `docker login` learn here where to log in; an anonymous token is enough.
    if (viewer.kind === 'anonymous' && scopes === undefined)
      throw unauthorised(exchange, path.resource === 'catalog' ? { scope: 'registry:catalog:*' } : {});
    return;
  }
  if (!isPush) return;
  const { name } = path;
  const isDeletion = exchange.request.method === 'DELETE' && path.resource !== 'upload';
  const action = isDeletion ? 'delete' : 'push';
  if (!clientMay(exchange.client, action, { name, isPrivate: true }))
    throw refuseAction(exchange, action, name);
}

/**
 * The answer to a caller without the right to an action. It does not depend on whether the repository exists (fault 82): a challenge if a
 * token may help, else "not found" or "denied".
 */
export function refuseAction(exchange: Exchange, action: RegistryAction, name: string): TidemarkError {
  const { viewer, scopes } = exchange.client;
  if (viewer.kind === 'anonymous' || scopes !== undefined) {
    const wanted = action === 'push' ? 'pull,push' : action;
    return unauthorised(exchange, {
      scope: `repository:${clientName(exchange, name)}:${wanted}`,
      ...(scopes === undefined ? {} : { error: 'insufficient_scope' }),
    });
  }
  if (action === 'pull' || viewer.kind === 'everybody') return nameUnknown(name);
  return refuse(
    'DENIED',
    `${quoteValue(viewer.name)} may not ${action} at ${quoteValue(name)}: it needs the role ${action === 'push' ? 'pusher' : 'maintainer'}. ` +
      'An administrator can grant it.',
  );
}

export function nameUnknown(name: string): TidemarkError {
  return refuse(
    'NAME_UNKNOWN',
    `There is no repository ${quoteValue(name)} here; /v2/_catalog lists those that are.`,
  );
}

function unauthorised(
  { request, reply, api }: Exchange,
  parameters: Readonly<Record<string, string>>,
): TidemarkError {
  reply.header('www-authenticate', challenge(request, api, parameters));
  return refuse(
    'UNAUTHORIZED',
    'This needs a login that may do it. Log in with any user name and a token as the password.',
  );
}
