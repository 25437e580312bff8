import type { Viewer } from '../../access/viewer.ts';
import { quoteValue } from '../../oci/error.ts';
import { scopeBelow } from '../../selection/rule-target.ts';
import { checkInteger, invalid, notNull } from '../mistakes.ts';
import type { Checked, Mistake } from '../mistakes.ts';
import type { Reference } from '../operation.ts';
import { lacksRole } from '../permit.ts';
import { checkRemoteFields } from '../remotes/remote-fields.ts';
import type { RemoteFields } from '../remotes/remote-fields.ts';
import type { AddressRules } from '../remotes/urls.ts';
import { checkRepositoryName } from '../repositories.ts';
import { checkGlobs, checkNoNames, mostRepositories, yearSeconds } from '../rules/rule-fields.ts';

/** In an update, undefined keeps a field and null clears it. The fields of a remote are those of the remotes that the proxy makes. */
export interface ProxyFields extends Omit<RemoteFields, 'name' | 'upstreamName'> {
  readonly basePath?: string | null | undefined;
  readonly namespaces?: string[] | null | undefined;
  readonly includeRepositories?: string[] | null | undefined;
  readonly excludeRepositories?: string[] | null | undefined;
  readonly repositoriesAtMost?: number | null | undefined;
  readonly tagTtlSeconds?: number | null | undefined;
  readonly notFoundTtlSeconds?: number | null | undefined;
  readonly cacheBytes?: number | null | undefined;
  readonly private?: boolean | null | undefined;
  readonly signaturePolicy?: Reference | null | undefined;
  readonly credential?: Reference | null | undefined;
}

/** The fields that always have a value, with what they are where none is given. */
export const proxyDefaults = {
  policy: 'ON_DEMAND',
  repositoriesAtMost: 1_000,
  tagTtlSeconds: 300,
  notFoundTtlSeconds: 60,
} as const satisfies ProxyFields;

const required = ['basePath', 'repositoriesAtMost', 'tagTtlSeconds', 'notFoundTtlSeconds'] as const;
const namespacesAtMost = 20;

/** Every mistake in the values that were given. */
export function checkProxyFields(input: ProxyFields, addresses: AddressRules): Mistake[] {
  const checks: Checked[] = required.map((field) => notNull(field, input[field]));
  const on = <Value>(value: Value | null | undefined, check: (value: Value) => Checked | Checked[]): void => {
    if (value !== null && value !== undefined) checks.push(...[check(value)].flat());
  };
  on(input.basePath, (basePath) => checkRepositoryName(basePath, 'basePath'));
  on(input.namespaces, checkNamespaces);
  on(input.includeRepositories, (globs) => checkGlobs('includeRepositories', globs));
  on(input.excludeRepositories, (globs) => checkGlobs('excludeRepositories', globs));
  on(input.repositoriesAtMost, (count) => checkInteger('repositoriesAtMost', count, [1, mostRepositories]));
  on(input.tagTtlSeconds, (seconds) => checkInteger('tagTtlSeconds', seconds, [0, yearSeconds]));
  on(input.notFoundTtlSeconds, (seconds) => checkInteger('notFoundTtlSeconds', seconds, [0, yearSeconds]));
  on(input.cacheBytes, (bytes) => checkInteger('cacheBytes', bytes, [1, Number.MAX_SAFE_INTEGER]));
  on(input.fallbacks, checkNoNames);
  return [...checkRemoteFields(input, addresses), ...checks.flatMap((found) => found ?? [])];
}

/** A namespace leads all clients, whoever may read the base path: who gives it to a proxy must be maintainer for its name. */
export function lacksNamespaces(
  viewer: Viewer,
  given: readonly string[] | null | undefined,
  before: readonly string[],
): Mistake[] {
  const added = (given ?? []).filter((namespace) => !before.includes(namespace));
  return added.flatMap((namespace) => lacksRole(viewer, 'maintainer', namespace, 'namespaces'));
}

/** A proxy makes repositories and remotes below its base path, so that needs the role maintainer for all names there. */
export function lacksBasePath(viewer: Viewer, basePath: string, field: string): Mistake[] {
  const own = lacksRole(viewer, 'maintainer', basePath, field);
  return own.length > 0 ? own : lacksRole(viewer, 'maintainer', scopeBelow(basePath), field);
}

function checkNamespaces(namespaces: readonly string[]): Checked[] {
  if (namespaces.length > namespacesAtMost)
    return [
      invalid(
        'namespaces',
        `namespaces has ${namespaces.length} entries; at most ${namespacesAtMost} are accepted.`,
      ),
    ];
  return namespaces.map((namespace, index) => {
    const field = ['namespaces', String(index)];
    const what = `namespaces[${index}] is ${quoteValue(namespace)}`;
    if (namespaces.indexOf(namespace) < index) return invalid(field, `${what}, which is given twice.`);
    if (isHost(namespace)) return undefined;
    return invalid(
      field,
      `${what}; expected the host of image names in lower case, as docker.io or registry.example:5000, without scheme and path.`,
    );
  });
}

/** A host with or without a port, spelt as URLs spell it. */
function isHost(text: string): boolean {
  if (text.length > 255) return false;
  // one of the schemes would drop its default port
  return ['http', 'https'].some((scheme) => URL.parse(`${scheme}://${text}`)?.host === text);
}
