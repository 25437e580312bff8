/** What people paste as the address of a registry or as a repository's name there, and what is meant by it. */

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

/** Whether a host (in lower case, without a port) is one of the names of Docker Hub. */
export function isDockerHub(host: string): boolean {
  return dockerHubHosts.has(host);
}

/**
 * The base of a registry's API in one spelling: the host in lower case, no default port, no slash at the end, without the `/v2` that
 * clients add. Names of Docker Hub become `https://registry-1.docker.io`. What is no plain http URL is returned as it is.
 */
export function registryBaseUrl(text: string): string {
  // `URL` drops line breaks and mends slashes; what is wrong is for the caller to refuse
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

/**
 * The repository's name at a registry: without the registry's own host before it, and at Docker Hub with `library/` before a name of one
 * part.
 */
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

/** The image that a registry's web page is about, as `quay.io/org/app`; undefined where the URL is of no page that is known. */
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
