import { isTidemarkError } from '../../oci/error.ts';
import { isSameLogin } from '../../oci/hosts/registry-login.ts';
import type { LoginCall, LoginSource, RegistryLogin } from '../../oci/hosts/registry-login.ts';

/** Repeats work once with a renewed login if the first one is refused. */
export async function withLogin<Result>(
  logins: LoginSource,
  call: LoginCall,
  work: (login: RegistryLogin | undefined) => Promise<Result>,
): Promise<Result> {
  const login = await logins.get(call);
  try {
    return await work(login);
  } catch (error) {
    if (!isTidemarkError(error) || error.code !== 'UPSTREAM_UNAUTHORIZED') throw error;
    if (login === undefined || !logins.drop(login)) throw error;
    const renewed = await logins.get(call);
    if (renewed === undefined || isSameLogin(renewed, login)) throw error;
    return work(renewed);
  }
}
