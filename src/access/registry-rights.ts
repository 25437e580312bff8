import type { Role } from '../db/access/roles.ts';
import type { RegistryViewer } from './access.ts';
import type { RegistryAction } from './registry-token.ts';
import { may } from './viewer.ts';
import type { Viewer } from './viewer.ts';

export const registryActions: readonly RegistryAction[] = ['pull', 'push', 'delete'];

const rolesOf: Readonly<Record<RegistryAction, Role>> = {
  pull: 'reader',
  push: 'pusher',
  delete: 'maintainer',
};

export function roleFor(action: RegistryAction): Role {
  return rolesOf[action];
}

/**
 * The rights of a viewer at a base path of `/v2/`.
 * @param isPrivate True for a private distribution and for an absent one. Everybody may pull from a public distribution. While logins are
 *   off, a private one is treated as absent.
 */
export function mayDo(viewer: Viewer, action: RegistryAction, name: string, isPrivate: boolean): boolean {
  if (action === 'pull' && !isPrivate) return true;
  if (viewer.kind === 'everybody') return action !== 'pull';
  return may(viewer, rolesOf[action], name);
}

/** The same for a client, whose registry token may narrow the rights. */
export function clientMay(
  { viewer, scopes }: RegistryViewer,
  action: RegistryAction,
  place: {
    readonly name: string;
    readonly isPrivate: boolean;
    /** The names that may stand in the token for it; default: its own. */
    readonly scopeNames?: readonly string[];
  },
): boolean {
  const { name, isPrivate, scopeNames = [name] } = place;
  const isInScope =
    scopes?.some((scope) => scopeNames.includes(scope.name) && scope.actions.includes(action)) ?? true;
  return isInScope && mayDo(viewer, action, name, isPrivate);
}
