import type {
  ClientConfiguration,
  ClientSettings,
  ContainerClient,
  NamespaceMapping,
} from '../client-config/client-configuration.ts';
import { configureClient } from '../client-config/configure-client.ts';
import type { Visibility } from '../db/access/visibility.ts';
import { readServedNamespaces } from '../db/distributions/served-namespaces.ts';
import type { Em } from '../db/open-database.ts';
import { isAnyNamespaceKnown } from '../db/proxies/find-proxy.ts';
import { isDockerHub } from '../oci/hosts/registry-address.ts';
import { invalid } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import { done, refused } from './operation.ts';
import type { Outcome } from './operation.ts';
import { checkCertificates } from './remotes/pem.ts';

export interface ClientWish {
  readonly client: ContainerClient;
  /** Null: the address in the settings of the server. */
  readonly url: string | null;
  readonly dockerHubUrl: string | null;
  readonly certificates: string | null;
  /** Null: what this server serves, as far as the caller sees it. */
  readonly namespaces: readonly NamespaceMapping[] | null;
  readonly fallback: boolean;
}

/** The addresses in the settings of the server. */
export interface OwnAddresses {
  readonly publicUrl?: string | undefined;
  readonly dockerHub?: { readonly url?: string | undefined; readonly port?: number | undefined } | undefined;
}

/** The files that point a client at this server. */
export async function describeClientConfiguration(
  { em, visibility }: { readonly em: Em; readonly visibility: Visibility },
  wish: ClientWish,
  own: OwnAddresses,
): Promise<Outcome<ClientConfiguration>> {
  const url = wish.url ?? own.publicUrl ?? '';
  const dockerHubUrl = wish.dockerHubUrl ?? undefined;
  const certificates = wish.certificates ?? undefined;
  const mistakes = [
    checkAddress('url', url),
    dockerHubUrl === undefined ? undefined : checkAddress('dockerHubUrl', dockerHubUrl),
    certificates === undefined ? undefined : checkCertificates('certificates', certificates),
  ].filter((one) => one !== undefined);
  if (mistakes.length > 0) return refused(...mistakes);
  const settings: ClientSettings = {
    url: new URL(url).origin,
    dockerHubUrl: dockerHubUrl === undefined ? ownDockerHub(url, own) : new URL(dockerHubUrl).origin,
    certificates,
    mappings: wish.namespaces ?? (await readMappings(em, visibility)),
    isNamespaceKnown: await isAnyNamespaceKnown(em),
    fallback: wish.fallback,
  };
  const configured = configureClient(wish.client, settings);
  return 'value' in configured
    ? done(configured.value)
    : refused(...configured.mistakes.map((message) => invalid('namespaces', message)));
}

async function readMappings(em: Em, visibility: Visibility): Promise<NamespaceMapping[]> {
  const served = await readServedNamespaces(em, visibility);
  return served.map(({ host, basePath }) => ({
    namespace: isDockerHub(host) ? 'docker.io' : host,
    basePath,
  }));
}

/** A second port speaks plain HTTP; a TLS proxy before it has a URL of its own. */
function ownDockerHub(url: string, { dockerHub }: OwnAddresses): string | undefined {
  const { url: own, port } = dockerHub ?? {};
  if (own !== undefined) return own;
  return port === undefined || port === 0 ? undefined : `http://${new URL(url).hostname}:${port}`;
}

function checkAddress(field: string, text: string): Mistake | undefined {
  const parsed = URL.parse(text);
  const isAddress =
    parsed !== null &&
    /^https?:$/.test(parsed.protocol) &&
    parsed.username + parsed.password + parsed.search + parsed.hash === '' &&
    parsed.pathname === '/';
  if (isAddress) return undefined;
  return invalid(
    field,
    text === ''
      ? `${field} is not given, and TIDEMARK_PUBLIC_URL is not set; expected the address of this server, such as https://registry.example.`
      : `${field} is not an address of a registry; expected http or https, a host, and no path, such as https://registry.example.`,
  );
}
