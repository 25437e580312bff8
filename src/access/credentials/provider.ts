import type { Credential } from '../../db/schema/credentials.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import type { PostForm, RegistryLogin } from '../../oci/hosts/registry-login.ts';

/** What this process has for credentials. */
export interface CredentialSettings {
  /** The folder of DOCKER_CONFIG's files (`TIDEMARK_DOCKER_CONFIG_DIR`); undefined: the kind is off. */
  readonly dockerConfigDir: string | undefined;
  /** Names of programs without `docker-credential-` that may run (`TIDEMARK_CREDENTIAL_HELPERS`). */
  readonly helpers: readonly string[];
}

export const noCredentialSettings: CredentialSettings = { dockerConfigDir: undefined, helpers: [] };

/** A credential, opened for one registry. */
export interface CredentialRequest {
  readonly credential: Credential;
  /** In clear text; undefined without one. */
  readonly secret: string | undefined;
  /** The base URL of the registry. */
  readonly registry: URL;
  readonly settings: CredentialSettings;
  readonly postForm: PostForm;
  readonly signal: AbortSignal;
}

export interface ProvidedLogin {
  readonly login: RegistryLogin;
  /** How long it is valid from now on; undefined: unknown, so it is obtained again now and then. */
  readonly lifeMs?: number | undefined;
}

/** Obtains a login, without a cache. @throws TidemarkError `CREDENTIAL_UNAVAILABLE` */
export type CredentialProvider = (request: CredentialRequest) => Promise<ProvidedLogin>;

/** @param what Continues the sentence "The credential … gives no login for …:". */
export function unavailable(
  { credential, registry }: Pick<CredentialRequest, 'credential' | 'registry'>,
  what: string,
  options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
): TidemarkError {
  return new TidemarkError(
    'CREDENTIAL_UNAVAILABLE',
    `The credential ${quoteValue(credential.name)} (${credential.kind}) gives no login for ${registry.host}: ${what}`,
    options,
  );
}
