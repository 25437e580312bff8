/** The key under which Docker's tools store the login of Docker Hub. */
const dockerHubKey = 'https://index.docker.io/v1/';
const dockerHubHosts: ReadonlySet<string> = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);

/** The key of a registry in a config.json, and the server URL that helpers are asked for. */
export function serverKey(registry: URL): string {
  return dockerHubHosts.has(registry.hostname) ? dockerHubKey : registry.host;
}

/** The value of a registry in a map by server: of its key, else of one with a scheme or a path, as Docker finds it. */
export function findServer<Value>(
  servers: Readonly<Record<string, Value>>,
  registry: URL,
): Value | undefined {
  const key = serverKey(registry);
  if (Object.hasOwn(servers, key)) return servers[key];
  const host = hostOf(key);
  return Object.entries(servers).find(([other]) => hostOf(other) === host)?.[1];
}

function hostOf(key: string): string {
  const [host = ''] = key.replace(/^https?:\/\//i, '').split('/', 1);
  return dockerHubHosts.has(host) ? 'docker.io' : host.toLowerCase();
}
