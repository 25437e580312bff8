import { unavailable } from './provider.ts';
import type { CredentialProvider } from './provider.ts';

export const provideStatic: CredentialProvider = (request) => {
  const { credential, secret } = request;
  const { username } = credential;
  if (typeof username !== 'string' || secret === undefined)
    throw unavailable(request, 'it has no user name or no password. Set both.');
  return Promise.resolve({ login: { kind: 'basic', username, password: secret } });
};
