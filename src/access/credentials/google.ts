import { isTidemarkError } from '../../oci/error.ts';
import { unavailable } from './provider.ts';
import type { CredentialProvider } from './provider.ts';

const scopes = ['https://www.googleapis.com/auth/cloud-platform'];
/** The user name of an access token (Artifact Registry, "Authenticate with an access token"). */
const tokenUser = 'oauth2accesstoken';

/** An access token of Google: of a stored service account key, else of the application default credentials. */
export const provideByGoogle: CredentialProvider = async (request) => {
  const { secret, signal } = request;
  try {
    const client = await (secret === undefined ? openDefault() : openKey(secret));
    const { token } = await Promise.race([client.getAccessToken(), rejectAtEnd(signal)]);
    if (typeof token !== 'string' || token === '') throw unavailable(request, 'Google gave an empty token.');
    const { expiry_date: expiresAtMs } = client.credentials;
    return {
      login: { kind: 'basic', username: tokenUser, password: token },
      lifeMs: typeof expiresAtMs === 'number' ? expiresAtMs - Date.now() : undefined,
    };
  } catch (error) {
    if (isTidemarkError(error)) throw error;
    const status = statusOf(error);
    // Errors of the library hold requests, so they are dropped.
    throw unavailable(
      request,
      `Google gave no token${status === undefined ? '' : ` (status ${status})`}. Check ` +
        `${secret === undefined ? 'the application default credentials of the process' : 'the service account and its key'}.`,
      { retryable: signal.aborted || (status !== undefined && (status >= 500 || status === 429)) },
    );
  }
};

async function openDefault() {
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth({ scopes }).getClient();
}

/** Of the file only the account and the key are used: its addresses could lead anywhere. */
async function openKey(text: string) {
  const { JWT } = await import('google-auth-library');
  const { client_email: email, private_key: key } = JSON.parse(text) as Record<string, string>;
  return new JWT({
    ...(email === undefined ? {} : { email }),
    ...(key === undefined ? {} : { key }),
    scopes,
  });
}

/** The library takes no signal. */
function rejectAtEnd(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function statusOf(error: unknown): number | undefined {
  const { status, code } = (error ?? {}) as { readonly status?: unknown; readonly code?: unknown };
  return [status, code].find((value): value is number => typeof value === 'number');
}
