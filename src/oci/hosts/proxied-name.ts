import type { Digest } from '../digest.ts';
import { dockerHubUrl, upstreamRepository } from './registry-address.ts';

/** What decides how a proxy names its repositories. */
export interface ProxyPlace {
  readonly basePath: string;
  readonly url: string;
  readonly namespaces: readonly string[];
}

export interface ProxiedName {
  /** The repository here. */
  readonly name: string;
  /** The repository at the upstream. */
  readonly upstreamName: string;
  /** Docker Hub's other spelling of `name`, without `library/`. */
  readonly shortName: string | undefined;
}

const library = 'library/';

/** The repository of a name below the base path of a proxy. At Docker Hub, `alpine` and `library/alpine` are one repository. */
export function proxiedName(proxy: ProxyPlace, name: string): ProxiedName {
  const { basePath, url, namespaces } = proxy;
  const rest = name.slice(basePath.length + 1);
  if (url !== dockerHubUrl && !namespaces.includes('docker.io'))
    return { name, upstreamName: upstreamRepository(url, rest), shortName: undefined };
  const full = rest.includes('/') ? rest : `${library}${rest}`;
  const short = full.startsWith(library) ? full.slice(library.length) : '';
  return {
    name: `${basePath}/${full}`,
    upstreamName: upstreamRepository(url, full),
    shortName: short === '' || short.includes('/') ? undefined : `${basePath}/${short}`,
  };
}

/** The name here of a name in a namespace of the proxy. One that begins with the base path is one already. */
export function nameInNamespace({ basePath }: Pick<ProxyPlace, 'basePath'>, name: string): string {
  return name.startsWith(`${basePath}/`) ? name : `${basePath}/${name}`;
}

/** A pull of a name that is below a proxy's base path and has no repository. */
export interface ProxyWish {
  readonly proxyId: number;
  /** Of the repository here. */
  readonly name: string;
  readonly upstreamName: string;
  readonly reference: { readonly tag: string } | { readonly digest: Digest };
}

export type ProxyOutcome =
  /** It is there, made by this request or another. */
  | { readonly kind: 'made' }
  /** The upstream lacks the manifest. */
  | { readonly kind: 'absent'; readonly reason?: string | undefined }
  /** The proxy leaves it out. Nothing was asked of the upstream. */
  | { readonly kind: 'left-out'; readonly reason: string }
  /** The upstream has not answered in time. */
  | { readonly kind: 'late' }
  /** It could not be made; the reason is logged. */
  | { readonly kind: 'refused' };
