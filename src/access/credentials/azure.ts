import { isTidemarkError } from '../../oci/error.ts';
import { unavailable } from './provider.ts';
import type { CredentialProvider, CredentialRequest } from './provider.ts';

/** The audience of Azure Container Registry, in every cloud. */
const scope = 'https://containerregistry.azure.net/.default';

/**
 * A refresh token of Azure Container Registry: POST /oauth2/exchange with an access token of Microsoft Entra. The registry's token service
 * exchanges it at /oauth2/token, as its challenge says.
 */
export const provideByAzure: CredentialProvider = async (request) => {
  const { registry, postForm, signal } = request;
  const answer = await postForm(
    new URL('/oauth2/exchange', registry),
    { grant_type: 'access_token', service: registry.host, access_token: await accessToken(request) },
    signal,
  );
  const token = readToken(answer);
  if (token === undefined)
    throw unavailable(
      request,
      'the answer of /oauth2/exchange has no refresh_token. Check that the url is of Azure Container Registry.',
    );
  return { login: { kind: 'identityToken', token }, lifeMs: lifeOf(token) };
};

async function accessToken(request: CredentialRequest): Promise<string> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const { clientId } = request.credential;
  try {
    const identity = new DefaultAzureCredential(
      clientId == null ? {} : { managedIdentityClientId: clientId, workloadIdentityClientId: clientId },
    );
    return (await identity.getToken(scope, { abortSignal: request.signal })).token;
  } catch (error) {
    if (isTidemarkError(error)) throw error;
    // Errors of the library may hold answers, so they are dropped.
    const name = error instanceof Error ? error.name : 'an error';
    throw unavailable(
      request,
      `Azure gave no access token (${name}). Check the identity of the process: the variables AZURE_…, the workload identity or the managed ` +
        'identity, and its role AcrPull.',
      { retryable: name !== 'CredentialUnavailableError' },
    );
  }
}

function readToken(text: string): string | undefined {
  try {
    const { refresh_token: token } = JSON.parse(text) as Record<string, unknown>;
    return typeof token === 'string' && token !== '' ? token : undefined;
  } catch {
    return undefined;
  }
}

/** By the claim `exp` of a JWT, unverified: the registry verifies it. */
function lifeOf(token: string): number | undefined {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const { exp } = JSON.parse(payload) as Record<string, unknown>;
    return typeof exp === 'number' ? exp * 1000 - Date.now() : undefined;
  } catch {
    return undefined;
  }
}
