/** How the repositories of a registry are found. */
export const discoveries = [
  'CATALOG',
  'LIST',
  'HARBOR',
  'QUAY',
  'DOCKER_HUB',
  'GITLAB',
  'ECR',
  'GOOGLE',
  'TIDEMARK',
] as const;
export type Discovery = (typeof discoveries)[number];

/** Those that this version has an adapter for. */
export const builtDiscoveries = ['CATALOG', 'LIST', 'HARBOR', 'QUAY', 'DOCKER_HUB', 'TIDEMARK'] as const;
export type BuiltDiscovery = (typeof builtDiscoveries)[number];

export function isBuilt(discovery: Discovery): discovery is BuiltDiscovery {
  return builtDiscoveries.some((built) => built === discovery);
}

/** These list one namespace at a time: the first part of each include glob. */
export function needsNamespaces(discovery: Discovery): boolean {
  return discovery === 'QUAY' || discovery === 'DOCKER_HUB';
}

/** The first part of each glob; undefined where one begins with a wildcard, or has no further part. */
export function namespacesOf(globs: readonly string[]): string[] | undefined {
  const parts = globs.map((glob) => /^([A-Za-z0-9_][A-Za-z0-9._-]*)\//.exec(glob)?.[1]);
  return parts.every((part) => part !== undefined) ? [...new Set(parts)] : undefined;
}
