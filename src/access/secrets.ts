import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../files/sync-folder.ts';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { trimTrailing } from '../oci/trim-ends.ts';

/** Encrypts secrets for the database. Sealed text: `tm1.<key id>.<nonce>.<ciphertext and tag>`, base64url. */
export interface SecretBox {
  /**
   * Encrypts with the first key.
   * @param context The place of the secret, e.g. `remote:12:password`. It is authenticated: a sealed text that was moved to another row or
   *   column does not open there.
   */
  encrypt(plain: string, context: string): string;
  /**
   * Decrypts with any of the keys.
   * @throws TidemarkError `SECRET_KEY_UNKNOWN` if its key is not configured, `SECRET_DAMAGED` if it is not a sealed text, was altered, or
   *   belongs to another context.
   */
  decrypt(sealed: string, context: string): string;
  /** Whether the first key sealed it; if not, a rotation seals it again. The text is not opened, so it is not verified. */
  isCurrent(sealed: string): boolean;
  /**
   * Derives a key of 32 bytes for another purpose from each key, in their order (HKDF, RFC 5869). Every process with the same keys derives
   * the same.
   */
  derive(purpose: string): readonly DerivedKey[];
  /** The names of the keys in sealed texts, the current one first. They reveal nothing of the keys. */
  readonly keyIds: readonly string[];
}

export interface DerivedKey {
  /** The id of the original key, as in `keyIds`. */
  readonly id: string;
  readonly key: Uint8Array;
}

const version = 'tm1';
const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D; good for 2^32 secrets per key).
 * @param keys 32 bytes each. The first encrypts; all decrypt.
 * @throws TidemarkError `SECRET_KEY_INVALID` without a key, or with a key of another length.
 */
export function createSecretBox(keys: readonly Buffer[]): SecretBox {
  const [first] = keys;
  if (first === undefined) throw keyInvalid('No secret key was given');
  const byId = new Map<string, Buffer>();
  for (const key of keys) {
    if (key.byteLength !== keyBytes) throw keyInvalid(`A secret key has ${key.byteLength} bytes`);
    byId.set(keyId(key), key);
  }
  const firstId = keyId(first);

  return {
    encrypt(plain, context) {
      const nonce = randomBytes(nonceBytes);
      const sealing = createCipheriv(cipher, first, nonce, { authTagLength: tagBytes });
      sealing.setAAD(associatedData(firstId, context));
      const sealed = Buffer.concat([sealing.update(plain, 'utf8'), sealing.final(), sealing.getAuthTag()]);
      return [version, firstId, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
    },
    decrypt(sealed, context) {
      const parts = parseSealed(sealed, context);
      const key = byId.get(parts.keyId);
      if (key === undefined) throw keyUnknown(parts.keyId, [...byId.keys()], context);
      const opening = createDecipheriv(cipher, key, parts.nonce, { authTagLength: tagBytes });
      opening.setAAD(associatedData(parts.keyId, context));
      opening.setAuthTag(parts.tag);
      try {
        return Buffer.concat([opening.update(parts.ciphertext), opening.final()]).toString('utf8');
      } catch {
        throw damaged(context, 'it was altered, or sealed for another place');
      }
    },
    isCurrent: (sealed) => sealed.startsWith(`${version}.${firstId}.`),
    derive: (purpose) =>
      [...byId].map(([id, key]) => ({
        id,
        key: new Uint8Array(hkdfSync('sha256', key, '', `tidemark ${purpose}`, keyBytes)),
      })),
    keyIds: [...byId.keys()],
  };
}

/**
 * Reads secret keys as configured: base64 of 32 bytes each, separated by commas or white space, the current one first.
 * @throws TidemarkError `SECRET_KEY_INVALID`, without the configured text.
 */
export function parseSecretKeys(text: string): Buffer[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0) throw keyInvalid('No secret key was given');
  return words.map((word, index) => {
    // 43 digits, of which the last carries 4 bits. A key that does not survive the round trip was truncated or mistyped.
    const key = Buffer.from(word, 'base64');
    const digits = trimTrailing(word, '=').replaceAll('-', '+').replaceAll('_', '/');
    if (key.byteLength !== keyBytes || trimTrailing(key.toString('base64'), '=') !== digits)
      throw keyInvalid(
        `Secret key ${index + 1} of ${words.length} (${word.length} characters) cannot be read`,
      );
    return key;
  });
}

/**
 * The keys in a file, the current one first. An absent file is created with one random key and mode 0600. Processes that start at the same
 * time get the same key. To rotate, add a new line before the others.
 * @throws TidemarkError `SECRET_KEY_INVALID` if the file has other content; the system's error if it cannot be read.
 */
export async function loadOrCreateSecretKey(path: string): Promise<Buffer[]> {
  const text = (await readIfThere(path)) ?? (await createKeyFile(path));
  try {
    return parseSecretKeys(text);
  } catch (error) {
    throw new TidemarkError(
      'SECRET_KEY_INVALID',
      `The secret key file ${quoteValue(path, 200)} does not hold keys (base64 of ${keyBytes} bytes, one a line). Restore it from a ` +
        'backup; without it the stored passwords and client keys cannot be read. Delete it only where none are stored.',
      { origin: 'server', cause: error },
    );
  }
}

/** Writes the whole file or nothing, and never over an existing one: link(2) refuses an existing name. */
async function createKeyFile(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  const text = `${randomBytes(keyBytes).toString('base64')}\n`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await link(temporary, path);
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
    return await readFile(path, 'utf8');
  } finally {
    await handle.close();
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
  return text;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The id of a key: the first 8 hexadecimal digits of its sha256. It does not reveal the key. */
function keyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

function associatedData(id: string, context: string): Buffer {
  return Buffer.from(`${version}.${id}.${context}`, 'utf8');
}

function parseSealed(sealed: string, context: string) {
  const match = /^tm1\.([a-f0-9]{8})\.([\w-]{16})\.([\w-]{22,})$/.exec(sealed);
  const [, id, nonce, body] = match ?? [];
  if (id === undefined || nonce === undefined || body === undefined)
    throw damaged(context, `it is not a text of the form ${version}.<key id>.<nonce>.<ciphertext>`);
  const bytes = Buffer.from(body, 'base64url');
  return {
    keyId: id,
    nonce: Buffer.from(nonce, 'base64url'),
    ciphertext: bytes.subarray(0, -tagBytes),
    tag: bytes.subarray(-tagBytes),
  };
}

function keyInvalid(what: string): TidemarkError {
  return new TidemarkError(
    'SECRET_KEY_INVALID',
    `${what}; expected base64 of ${keyBytes} bytes, as \`openssl rand -base64 ${keyBytes}\` prints it, the current key first.`,
    { origin: 'server' },
  );
}

function keyUnknown(id: string, known: readonly string[], context: string): TidemarkError {
  return new TidemarkError(
    'SECRET_KEY_UNKNOWN',
    `The stored secret ${quoteValue(context)} was encrypted with the key ${id}; the keys given are ${known.join(', ')}. ` +
      `Add the key ${id} after the current one and start again, or set this secret anew.`,
    { origin: 'server' },
  );
}

function damaged(context: string, why: string): TidemarkError {
  return new TidemarkError(
    'SECRET_DAMAGED',
    `The stored secret ${quoteValue(context)} cannot be opened: ${why}. Set this secret anew, or restore the database from a backup.`,
    { origin: 'server' },
  );
}
