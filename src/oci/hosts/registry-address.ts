/** Normalizes what people paste as a registry's URL or a repository name. */

export const dockerHubUrl = 'https://registry-1.docker.io';
const dockerHubHosts = new Set([
  'docker.io',
  'www.docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.docker.io',
  'registry.hub.docker.com',
  'hub.docker.com',
]);

/** Whether a host, in lower case and without a port, is Docker Hub's. */
export function isDockerHub(host: string): boolean {
  return dockerHubHosts.has(host);
}

/**
 * The base URL of a registry in one spelling: lower case, without default port, trailing slash and `/v2`. Hosts of Docker Hub become
 * `https://registry-1.docker.io`. Any other text than a plain http URL is returned unchanged.
 */
export function registryBaseUrl(text: string): string {
  // `URL` would drop line breaks and repair slashes, which the caller must refuse.
  const url = /^https?:\/\/[^/][\x21-\x7e]*$/i.test(text) && !/[?#\\]/.test(text) ? URL.parse(text) : null;
  if (url === null || url.username !== '' || url.password !== '') return text;
  const path = trimVersion(url.pathname);
  const isHub = isDockerHub(url.hostname) && url.port === '';
  return isHub && ['', '/v1'].includes(path) ? dockerHubUrl : `${url.origin}${path}`;
}

function trimVersion(pathname: string): string {
  const parts = pathname.split('/');
  while (parts.at(-1) === '') parts.pop();
  if (parts.at(-1) === 'v2') parts.pop();
  while (parts.at(-1) === '') parts.pop();
  return parts.join('/');
}

/** The repository name, without the registry's host. At Docker Hub a name of one part gets `library/`. */
export function upstreamRepository(registryUrl: string, name: string): string {
  const url = URL.parse(registryUrl);
  if (url === null) return name;
  const isHub = registryUrl === dockerHubUrl;
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0)).toLowerCase();
  const bare =
    first !== '' && (first === url.host || (isHub && isDockerHub(first))) ? name.slice(slash + 1) : name;
  return isHub && bare !== '' && !bare.includes('/') ? `library/${bare}` : bare;
}

/** The image of a registry's web page, as `quay.io/org/app`; undefined for unknown pages. */
export function imageOfPage(text: string): string | undefined {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null) return undefined;
  const [kind, ...parts] = url.pathname.split('/').filter((part) => part !== '');
  const pages: Readonly<Record<string, string | undefined>> = {
    'hub.docker.com/r': parts.slice(0, 2).join('/'),
    'hub.docker.com/_': parts[0],
    'hub.docker.com/repository': parts.slice(1, 3).join('/'),
    'quay.io/repository': `quay.io/${parts.slice(0, 2).join('/')}`,
  };
  const image = parts.length === 0 ? undefined : pages[`${url.hostname}/${kind}`];
  return image === '' ? undefined : image;
}
