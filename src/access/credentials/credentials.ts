import type { Database } from '../../db/open-database.ts';
import { Credential } from '../../db/schema/credentials.ts';
import type { CredentialKind } from '../../db/schema/credentials.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import type { LoginSource } from '../../oci/hosts/registry-login.ts';
import type { SecretBox } from '../secrets.ts';
import type { EcrTag } from './ecr-images.ts';
import { checkHost } from './kinds.ts';
import { createLoginCache } from './login-cache.ts';
import type { CredentialProvider, CredentialSettings } from './provider.ts';
import { provideStatic } from './static-login.ts';

/** Resolves credentials to logins, in the process that uses them. Logins stay in its memory. */
export interface Credentials {
  /** The logins of a credential at one registry. The row is read at the first use. */
  loginsFor(credentialId: number, registryUrl: string): LoginSource;
  /**
   * The names of the repositories of a registry of ECR, page by page.
   * @throws TidemarkError `CREDENTIAL_UNAVAILABLE`, also for a credential of another kind; `CREDENTIAL_REFUSED` for other hosts.
   */
  listRepositories(
    credentialId: number,
    registryUrl: string,
    signal: AbortSignal,
  ): AsyncIterable<readonly string[]>;
  /**
   * The tags of a repository of ECR with their digests, page by page. Nothing for a credential of another kind.
   * @throws TidemarkError `CREDENTIAL_UNAVAILABLE`, `CREDENTIAL_REFUSED` for other hosts.
   */
  listEcrTags(
    credentialId: number,
    repository: { readonly registryUrl: string; readonly repositoryName: string },
    signal: AbortSignal,
  ): AsyncIterable<readonly EcrTag[]>;
}

export interface CredentialDeps {
  readonly database: Pick<Database, 'em'>;
  readonly secrets: SecretBox;
  readonly settings: CredentialSettings;
  /** A monotonic clock in milliseconds; default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** Each loads its library when it is used. */
const providers: Readonly<Record<CredentialKind, () => Promise<CredentialProvider>>> = {
  STATIC: () => Promise.resolve(provideStatic),
  DOCKER_CONFIG: async () => (await import('./docker-config.ts')).provideByDockerConfig,
  HELPER: async () => (await import('./helper.ts')).provideByHelper,
  ECR: async () => (await import('./ecr.ts')).provideByEcr,
  GOOGLE: async () => (await import('./google.ts')).provideByGoogle,
  AZURE: async () => (await import('./azure.ts')).provideByAzure,
};

export function createCredentials({ database, secrets, settings, now }: CredentialDeps): Credentials {
  const cache = createLoginCache(now ?? (() => performance.now()));

  const read = async (id: number): Promise<Credential> => readCredential(database, id);

  return {
    loginsFor(credentialId, registryUrl) {
      const registry = new URL(registryUrl);
      let reading: Promise<Credential> | undefined;
      let key = '';
      const opened = async (): Promise<Credential> => {
        reading ??= read(credentialId);
        try {
          const credential = await reading;
          // A changed credential has other logins.
          key = `${credential.id} ${credential.updatedAt.getTime()} ${registry.origin}`;
          return credential;
        } catch (error) {
          reading = undefined;
          throw error;
        }
      };
      return {
        async get({ postForm }) {
          const credential = await opened();
          checkHost(credential, registry);
          return cache.get(key, async (signal) => {
            const provide = await providers[credential.kind]();
            const sealed = credential.secretSealed;
            const secret =
              typeof sealed === 'string'
                ? secrets.decrypt(sealed, `credential:${credential.id}:secret`)
                : undefined;
            return provide({ credential, secret, registry, settings, postForm, signal });
          });
        },
        drop(login) {
          cache.drop(key, login);
          return true;
        },
      };
    },

    ...openEcrLists(read),
  };
}

type EcrLists = Pick<Credentials, 'listRepositories' | 'listEcrTags'>;

function openEcrLists(read: (id: number) => Promise<Credential>): EcrLists {
  return {
    async *listRepositories(credentialId, registryUrl, signal) {
      const registry = new URL(registryUrl);
      const credential = await read(credentialId);
      checkHost(credential, registry);
      if (credential.kind !== 'ECR')
        throw new TidemarkError(
          'CREDENTIAL_UNAVAILABLE',
          `The credential ${quoteValue(credential.name)} is of the kind ${credential.kind}; discovery ECR needs one of the kind ECR.`,
          { origin: 'caller' },
        );
      const { listEcrRepositories } = await import('./ecr-repositories.ts');
      yield* listEcrRepositories(credential, registry, signal);
    },

    async *listEcrTags(credentialId, { registryUrl, repositoryName }, signal) {
      const registry = new URL(registryUrl);
      const credential = await read(credentialId);
      checkHost(credential, registry);
      if (credential.kind !== 'ECR') return;
      const { listEcrTags } = await import('./ecr-images.ts');
      yield* listEcrTags(credential, { registry, repositoryName }, signal);
    },
  };
}

async function readCredential(database: CredentialDeps['database'], id: number): Promise<Credential> {
  const credential = await database.em.fork().findOne(Credential, { id });
  if (credential !== null) return credential;
  throw new TidemarkError(
    'CREDENTIAL_UNAVAILABLE',
    'The credential of the remote was deleted. Give the remote another one.',
  );
}
