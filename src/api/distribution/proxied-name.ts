import { clientMay } from '../../access/registry-rights.ts';
import { resolveDistribution } from '../../db/distributions/distributions.ts';
import type { ResolvedDistribution } from '../../db/distributions/distributions.ts';
import { findProxyAbove, findProxyOfNamespace, isAnyNamespaceKnown } from '../../db/proxies/find-proxy.ts';
import type { FoundProxy } from '../../db/proxies/find-proxy.ts';
import { quoteValue } from '../../oci/error.ts';
import { nameInNamespace, proxiedName } from '../../oci/hosts/proxied-name.ts';
import type { ProxiedName } from '../../oci/hosts/proxied-name.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import type { Em } from '../../db/open-database.ts';
import { refuse, refuseUpstream } from './error.ts';
import type { Exchange } from './exchange.ts';
import type { AskedName, DistributionPath, DistributionTarget } from './parse-path.ts';

/** Where a name leads. */
export interface Place {
  /** Its rights are those that count. */
  readonly name: string;
  /** Undefined: nothing is served there. */
  readonly found: ResolvedDistribution | undefined;
}

const namespaced: readonly DistributionPath['resource'][] = ['manifest', 'blob', 'referrers', 'tags'];

/**
 * OCI distribution-spec, "Registry Proxying": leads a read with `?ns=` to the proxy of that namespace. The map is closed, so a client cannot choose an address. Undefined: the request has no namespace, or no proxy has one.
 * @throws TidemarkError `NAME_UNKNOWN` for an unknown namespace, so that clients ask the registry itself.
 */
export async function leadToNamespace(
  em: Em,
  method: string,
  { path, query }: DistributionTarget,
): Promise<{ readonly path: DistributionPath; readonly asked: AskedName } | undefined> {
  const given = query.get('ns');
  const isRead = method === 'GET' || method === 'HEAD';
  if (given === null || !isRead || !('name' in path) || !namespaced.includes(path.resource)) return undefined;
  const name = await nameOf(em, given.toLowerCase(), path.name);
  // Whoever has given no proxy a namespace has pointed clients here by names.
  if (name === undefined && !(await isAnyNamespaceKnown(em))) return undefined;
  if (name === undefined || !isRepositoryName(name))
    throw refuse(
      'NAME_UNKNOWN',
      `Nothing of the namespace ${quoteValue(given)} (ns=) is served here; ask that registry itself, or create a proxy for it.`,
    );
  return { path: { ...path, name }, asked: { name: path.name, namespace: given } };
}

/** The name here of a name in a namespace. */
async function nameOf(em: Em, namespace: string, name: string): Promise<string | undefined> {
  const proxy = await findProxyOfNamespace(em, namespace);
  // The base path is the namespace: the client was pointed at it.
  if (proxy === undefined) return name.startsWith(`${namespace}/`) ? name : undefined;
  const served = nameInNamespace(proxy, name);
  // Below it another proxy may begin, which has another registry.
  return (await findProxyAbove(em, served))?.id === proxy.id ? served : undefined;
}

/** The names that may be in the scope of a token for `name`: as it is served, and as the client sent it. */
export function scopeNames({ asked, path }: Exchange, name: string): string[] {
  return [name, ...('name' in path ? [path.name] : []), ...(asked === undefined ? [] : [asked.name])];
}

/** Whether the client may pull what is at a name, or would be there. */
export function mayPull(exchange: Exchange, name: string, isPrivate: boolean): boolean {
  return clientMay(exchange.client, 'pull', { name, isPrivate, scopeNames: scopeNames(exchange, name) });
}

/**
 * What a name serves. Where it serves nothing and is below the base path of a proxy, the proxy makes the repository at the pull of a manifest,
 * if the client may pull from it.
 * @throws TidemarkError as `makeProxied`
 */
export async function findPlace(exchange: Exchange, name: string): Promise<Place> {
  const { em, api } = exchange;
  const resolve = (at: string) => resolveDistribution(em, at, api.access.isOn);
  const found = await resolve(name);
  if (found !== undefined) return { name, found };
  const proxy = await findProxyAbove(em, name);
  if (proxy === undefined) return { name, found };
  const proxied = proxiedName(proxy, name);
  for (const other of new Set([proxied.name, proxied.shortName ?? proxied.name])) {
    const served = other === name ? undefined : await resolve(other);
    if (served !== undefined) return { name: other, found: served };
  }
  const isPrivate = proxy.isPrivate ?? api.access.isOn;
  if (exchange.path.resource === 'manifest' && mayPull(exchange, proxied.name, isPrivate))
    await make(exchange, proxy, proxied);
  return { name: proxied.name, found: await resolve(proxied.name) };
}

/** @throws TidemarkError `NAME_UNKNOWN` or `MANIFEST_UNKNOWN` where nothing is made, `UNAVAILABLE` with the upstream's error. */
async function make(
  { path, api, request }: Exchange,
  { id }: FoundProxy,
  { name, upstreamName }: ProxiedName,
): Promise<void> {
  if (path.resource !== 'manifest' || !isRepositoryName(name)) return;
  const { reference } = path;
  const wish = { proxyId: id, name, upstreamName, reference };
  // The signal is not told of a client that has left before it was first read.
  const client = request.socket.destroyed ? AbortSignal.abort() : request.signal;
  const outcome = await api.upstreams.makeProxied(wish, client).catch((error: unknown) => {
    if (client.aborted) throw refuse('UNAVAILABLE', 'The client has left.');
    throw refuseUpstream(
      `There is no repository ${quoteValue(name)} here yet, and its upstream cannot be reached now.`,
      error,
    );
  });
  switch (outcome.kind) {
    case 'made':
      return;
    case 'absent': {
      const what = quoteValue('tag' in reference ? reference.tag : reference.digest);
      const why = outcome.reason === undefined ? '' : ` ${outcome.reason}`;
      throw refuse('MANIFEST_UNKNOWN', `The upstream of ${quoteValue(name)} does not have ${what}.${why}`);
    }
    case 'left-out':
      throw refuse('NAME_UNKNOWN', `There is no repository ${quoteValue(name)} here. ${outcome.reason}`);
    case 'late':
      throw refuse(
        'UNAVAILABLE',
        `There is no repository ${quoteValue(name)} here yet, and its upstream has not answered in time. Try again.`,
      );
    case 'refused':
      throw refuse(
        'UNAVAILABLE',
        `The repository ${quoteValue(name)} cannot be made now; the log of the server has the reason.`,
      );
  }
}
