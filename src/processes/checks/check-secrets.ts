/** The keys for stored secrets are checked at start: a wrong key must not be noticed first in a failed sync (fault 108). */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCredentials } from '../../access/credentials/credentials.ts';
import type { Credentials } from '../../access/credentials/credentials.ts';
import { createSecretBox, loadOrCreateSecretKey, parseSecretKeys } from '../../access/secrets.ts';
import type { SecretBox } from '../../access/secrets.ts';
import type { Config } from '../../config.ts';
import type { Database, Em } from '../../db/open-database.ts';
import { readSecretKeyUses } from '../../db/access/read-secret-keys.ts';
import type { SecretKeyUse } from '../../db/access/read-secret-keys.ts';
import { formatCount } from '../../oci/count-of.ts';
import { TidemarkError } from '../../oci/error.ts';

/** What opens the stored secrets of a process. */
export interface OpenedSecrets {
  readonly secrets: SecretBox;
  readonly credentials: Credentials;
}

/** @throws TidemarkError as `openSecretBox`. */
export async function openSecrets(config: Config, database: Database): Promise<OpenedSecrets> {
  const secrets = await openSecretBox(config, database.em.fork());
  return { secrets, credentials: createCredentials({ database, secrets, settings: config.credentials }) };
}

/**
 * Opens the secret box with the configured keys. A key file is created only if no secret is stored yet.
 * @throws TidemarkError `SECRET_KEY_UNKNOWN` if a stored secret was sealed with a missing key, `SECRET_KEY_INVALID` or `CONFIG_INVALID` if
 *   the keys cannot be read.
 */
export async function openSecretBox(config: Config, em: Em): Promise<SecretBox> {
  const uses = await readSecretKeyUses(em);
  const box = createSecretBox(await readKeys(config, uses));
  const unknown = uses.filter(({ keyId }) => !box.keyIds.includes(keyId));
  if (unknown.length > 0) {
    const ids = unknown.map(({ keyId }) => keyId).join(', ');
    throw keyUnknown(
      unknown,
      `that ${unknown.length === 1 ? 'is' : 'are'} not among those given: ${ids} (given: ${box.keyIds.join(', ')})`,
      config,
    );
  }
  return box;
}

async function readKeys(config: Config, uses: readonly SecretKeyUse[]): Promise<readonly Buffer[]> {
  if (config.secretKeys.length > 0) return config.secretKeys;
  if (config.secretKeyFile !== undefined) {
    const text = await readFile(config.secretKeyFile, 'utf8').catch((error: unknown) => {
      throw new TidemarkError(
        'CONFIG_INVALID',
        `TIDEMARK_SECRET_KEY_FILE names ${config.secretKeyFile}, which cannot be read. Name a file with the key in it.`,
        { origin: 'caller', cause: error },
      );
    });
    return parseSecretKeys(text);
  }
  const path = ownKeyFile(config);
  if (uses.length > 0 && !(await isThere(path))) {
    const ids = uses.map(({ keyId }) => keyId).join(', ');
    throw keyUnknown(uses, `(${ids}) that should be in ${path}, which is not there`, config);
  }
  return loadOrCreateSecretKey(path);
}

function ownKeyFile({ dataDir }: Config): string {
  return join(dataDir, 'secret.key');
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function keyUnknown(uses: readonly SecretKeyUse[], which: string, config: Config): TidemarkError {
  // One may have secrets of several keys.
  const holders = Math.max(...uses.map((use) => use.holders));
  const atLeast = uses.length > 1 ? 'at least ' : '';
  const where =
    config.secretKeys.length > 0
      ? 'add them to TIDEMARK_SECRET_KEY, after the current one'
      : `put them back into ${config.secretKeyFile ?? ownKeyFile(config)}, one a line, the current one first (or set TIDEMARK_SECRET_KEY)`;
  return new TidemarkError(
    'SECRET_KEY_UNKNOWN',
    `The stored secrets of ${atLeast}${formatCount(holders)} remotes or credentials were encrypted with keys ${which}. Nothing was started and nothing changed. ` +
      `Restore the missing keys from a backup and ${where}, and start again.`,
    { origin: 'server' },
  );
}
