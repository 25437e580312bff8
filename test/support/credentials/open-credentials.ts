import { randomBytes } from 'node:crypto';
import { createCredentials } from '../../../src/access/credentials/credentials.ts';
import { noCredentialSettings } from '../../../src/access/credentials/provider.ts';
import type { CredentialSettings } from '../../../src/access/credentials/provider.ts';
import { createSecretBox } from '../../../src/access/secrets.ts';
import type { SecretBox } from '../../../src/access/secrets.ts';
import type { Database, Em } from '../../../src/db/open-database.ts';
import { Credential } from '../../../src/db/schema/credentials.ts';
import type { LoginCall, LoginSource } from '../../../src/oci/hosts/registry-login.ts';

export type NewCredential = Partial<Credential> & Pick<Credential, 'kind'>;

let sequence = 0;

/** A stored credential of a name of its own; its id. */
export async function insertCredential(
  em: Em,
  box: SecretBox,
  given: NewCredential,
  secret?: string,
): Promise<number> {
  sequence += 1;
  const row = em.create(Credential, { name: `credential-${sequence}`, ...given });
  await em.flush();
  if (secret !== undefined) row.secretSealed = box.encrypt(secret, `credential:${row.id}:secret`);
  await em.flush();
  return row.id;
}

export interface CredentialScene {
  /** The logins of a new credential at a registry. */
  logins(url: string, given: NewCredential, secret?: string): Promise<LoginSource>;
}

export function openCredentials(
  database: Pick<Database, 'em'>,
  settings: CredentialSettings = noCredentialSettings,
  now?: () => number,
): CredentialScene {
  const secrets = createSecretBox([randomBytes(32)]);
  const credentials = createCredentials({ database, secrets, settings, now });
  return {
    async logins(url, given, secret) {
      const id = await insertCredential(database.em.fork(), secrets, given, secret);
      return credentials.loginsFor(id, url);
    },
  };
}

/** For providers that ask nothing of the registry. */
export const noForm: LoginCall = {
  postForm: () => Promise.reject(new Error('nothing is asked of the registry')),
};
