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

/** These list one namespace at a time. */
export function needsNamespaces(discovery: Discovery): boolean {
  return ['QUAY', 'DOCKER_HUB', 'GITLAB', 'GOOGLE'].includes(discovery);
}

/**
 * What to list for the globs: the first part of each, or for GOOGLE, whose lists have the parts below one name, all parts before the last and
 * the first wildcard. Undefined where a glob begins with a wildcard, or has no further part.
 */
export function namespacesOf(discovery: Discovery, globs: readonly string[]): string[] | undefined {
  const leading = globs.map((glob) => /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)+/.exec(glob)?.[0].slice(0, -1));
  const parts = discovery === 'GOOGLE' ? leading : leading.map((name) => name?.split('/')[0]);
  return parts.every((part) => part !== undefined) ? [...new Set(parts)] : undefined;
}
