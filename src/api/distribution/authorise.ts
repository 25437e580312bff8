import type { FastifyRequest } from 'fastify';
import { clientMay } from '../../access/registry-rights.ts';
import { registryService } from '../../access/registry-token.ts';
import type { RegistryAction } from '../../access/registry-token.ts';
import { quoteValue } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { refuse } from './error.ts';
import type { DistributionDependencies, Exchange } from './exchange.ts';
import type { DistributionPath } from './parse-path.ts';
import { trimTrailingSlashes } from '../../oci/trim-ends.ts';

/** Where this server is, as its clients write it. */
export function publicUrl(
  { headers }: FastifyRequest,
  { config }: Pick<DistributionDependencies, 'config'>,
): string {
  const { publicUrl: configured } = config;
  return configured === undefined ? `http://${headers.host ?? config.host}` : trimTrailingSlashes(configured);
}

/** RFC 6750 section 3, with what docker's token flow adds: where a token is to be had, and for what. */
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
 * The gate before everything that is asked of `/v2/`: what writes needs the right to; what reads is checked with what is read, since
 * everybody may pull from what is public.
 * @throws TidemarkError `UNAUTHORIZED`, `DENIED`
 */
export function authorise(exchange: Exchange, path: DistributionPath, isPush: boolean): void {
  const { viewer, scopes } = exchange.client;
  if (path.resource === 'base' || path.resource === 'catalog') {
    // "docker login" and others ask here whether, and where, to log in: an anonymous token will do
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
 * What a client gets to hear who may not do something at a name, whether or not anything is there (fault 82): how to get more rights
 * where a token may bring them; that there is nothing; or that it may not.
 */
export function refuseAction(exchange: Exchange, action: RegistryAction, name: string): TidemarkError {
  const { viewer, scopes } = exchange.client;
  if (viewer.kind === 'anonymous' || scopes !== undefined) {
    const wanted = action === 'push' ? 'pull,push' : action;
    return unauthorised(exchange, {
      scope: `repository:${name}:${wanted}`,
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
