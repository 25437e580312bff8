import type { LoginSource } from '../../oci/hosts/registry-login.ts';

/** The user name and password of a remote, which only a person renews. */
export function fixedLogin({
  username,
  password = '',
}: {
  readonly username?: string;
  readonly password?: string;
}): LoginSource {
  const login = username === undefined ? undefined : ({ kind: 'basic', username, password } as const);
  return { get: () => Promise.resolve(login), drop: () => false };
}
