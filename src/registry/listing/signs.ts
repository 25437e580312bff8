import { isDockerHub } from '../../oci/hosts/registry-address.ts';
import { parseChallenges } from '../auth/challenge.ts';
import { joinedHeader } from '../transport/exchange.ts';
import type { HttpResponse } from '../transport/exchange.ts';
import { tidemarkLists } from '../../oci/hosts/tidemark-lists.ts';
import type { ListingName } from './listing.ts';

/** Recognises a registry by what it answers anyway. */
export interface Signs {
  see(response: Pick<HttpResponse, 'url' | 'headers'>): void;
  /** Undefined while nothing has told. */
  listing(): ListingName | undefined;
}

/** @param registry Base URL of the registry. Answers of other hosts tell nothing. */
export function createSigns(registry: URL): Signs {
  let seen: ListingName | undefined = isDockerHub(registry.hostname) ? 'DOCKER_HUB' : undefined;
  return {
    see({ url, headers }) {
      if (seen === undefined && url.host === registry.host) seen = signOf(registry, headers);
    },
    listing: () => seen,
  };
}

function signOf(registry: URL, headers: HttpResponse['headers']): ListingName | undefined {
  if (headers['gitlab-container-registry-version'] !== undefined) return 'GITLAB';
  if (headers[tidemarkLists.header] === tidemarkLists.value) return 'TIDEMARK';
  const field = joinedHeader(headers, 'www-authenticate');
  if (field === undefined) return undefined;
  for (const { scheme, parameters } of parseChallenges(field) ?? []) {
    const realm = URL.parse(parameters.get('realm') ?? '');
    const service = parameters.get('service');
    if (scheme === 'basic' && service === 'ecr.amazonaws.com') return 'ECR';
    if (scheme !== 'bearer' || realm === null) continue;
    const isOwn = realm.host === registry.host;
    if (service === 'harbor-registry' && realm.pathname.endsWith('/service/token')) return 'HARBOR';
    if (service === 'container_registry' && realm.pathname === '/jwt/auth') return 'GITLAB';
    if (isOwn && realm.pathname === '/oauth2/token' && service === registry.host) return 'ACR';
    if (isOwn && realm.pathname === '/v2/auth') return 'QUAY';
  }
  return undefined;
}
