import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSecretBox, loadOrCreateSecretKey, parseSecretKeys } from '../../src/access/secrets.ts';
import { isTidemarkError } from '../../src/oci/error.ts';
import { testSecret } from '../support/test-secret.ts';

const context = 'remote:12:password';
const secret = testSecret('sealed');

/** Another first digit, and so other bytes. */
function flip(text: string): string {
  return (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
}

/** The TidemarkError that `action` throws; fails when it throws none. */
async function errorOf(action: () => unknown) {
  try {
    await action();
  } catch (error) {
    if (isTidemarkError(error)) return error;
    throw error;
  }
  throw new Error('expected a TidemarkError, and nothing was thrown');
}

describe('createSecretBox', () => {
  test.each(['', 'pässwörd 🔑', 'x'.repeat(10_000), 'with\0nul and\nlines'])(
    'opens what it sealed: %j',
    (plain) => {
      const box = createSecretBox([randomBytes(32)]);
      expect(box.decrypt(box.encrypt(plain, context), context)).toBe(plain);
    },
  );

  test('the same secret is sealed differently each time, and never in clear text', () => {
    const box = createSecretBox([randomBytes(32)]);
    const sealed = box.encrypt(secret, context);
    expect(sealed).not.toBe(box.encrypt(secret, context));
    expect(sealed).toMatch(/^tm1\.[a-f0-9]{8}\.[\w-]{16}\.[\w-]+$/);
    expect(sealed).not.toContain(secret);
    expect(sealed).not.toContain(Buffer.from(secret).toString('base64url'));
  });

  test('fault 108: after a rotation old secrets open, and new ones are sealed with the first key', () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)];
    const before = createSecretBox([older]).encrypt(secret, context);
    const rotated = createSecretBox([newer, older]);
    expect(rotated.decrypt(before, context)).toBe(secret);
    expect(rotated.isCurrent(before)).toBe(false);
    const after = rotated.encrypt(secret, context);
    expect(rotated.isCurrent(after)).toBe(true);
    expect(createSecretBox([newer]).decrypt(after, context)).toBe(secret);
  });

  test('fault 108: a key that is not there is SECRET_KEY_UNKNOWN, with both key ids and without a key', async () => {
    const [lost, given] = [randomBytes(32), randomBytes(32)];
    const sealed = createSecretBox([lost]).encrypt(secret, context);
    const error = await errorOf(() => createSecretBox([given]).decrypt(sealed, context));
    expect(error).toMatchObject({ code: 'SECRET_KEY_UNKNOWN', origin: 'server' });
    expect(error.message).toContain(sealed.split('.')[1]);
    expect(error.message).toContain(createSecretBox([given]).encrypt('', '').split('.')[1]);
    expect(error.message).toContain(context);
    expect(error.message).not.toContain(given.toString('base64'));
  });

  test('a sealed text does not open in another context', async () => {
    const box = createSecretBox([randomBytes(32)]);
    const sealed = box.encrypt(secret, context);
    expect(await errorOf(() => box.decrypt(sealed, 'remote:13:password'))).toMatchObject({
      code: 'SECRET_DAMAGED',
    });
  });

  test('each altered part is noticed', async () => {
    const box = createSecretBox([randomBytes(32)]);
    const [head, id, nonce = '', body = ''] = box.encrypt(secret, context).split('.');
    const altered = [
      [head, id, flip(nonce), body],
      [head, id, nonce, flip(body)],
      [head, id, nonce, body.slice(4)],
      [head, id, nonce, ''],
      ['tm2', id, nonce, body],
      [secret],
    ];
    for (const parts of altered) {
      const error = await errorOf(() => box.decrypt(parts.join('.'), context));
      expect(error.code, parts.join('.')).toBe('SECRET_DAMAGED');
      expect(error.message).not.toContain(secret);
    }
  });

  test.each([[[]], [[randomBytes(16)]], [[randomBytes(32), randomBytes(33)]]])(
    'refuses no key and keys of another length',
    async (keys) => {
      expect(await errorOf(() => createSecretBox(keys))).toMatchObject({ code: 'SECRET_KEY_INVALID' });
    },
  );
});

describe('parseSecretKeys', () => {
  test('reads base64 and base64url, separated by commas, spaces and lines', () => {
    const keys = [Buffer.alloc(32, 0xff), randomBytes(32), randomBytes(32)];
    const [a, b, c] = keys;
    const text = ` ${a?.toString('base64url')},${b?.toString('base64')}\n\n${c?.toString('base64')}\n`;
    expect(parseSecretKeys(text)).toEqual(keys);
  });

  test.each([
    '',
    ' \n',
    testSecret('short'),
    randomBytes(31).toString('base64'),
    `${'A'.repeat(42)}*=`,
    'ä'.repeat(44),
  ])('refuses %j and does not repeat it', async (text) => {
    const error = await errorOf(() => parseSecretKeys(text));
    expect(error.code).toBe('SECRET_KEY_INVALID');
    if (text.trim() !== '') expect(error.message).not.toContain(text);
  });
});

describe('loadOrCreateSecretKey', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidemark-secrets-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('makes a key once, readable by its owner only, and nothing besides', async () => {
    const path = join(folder, 'keys', 'secret.key');
    const [key] = await loadOrCreateSecretKey(path);
    expect(key?.byteLength).toBe(32);
    expect(await loadOrCreateSecretKey(path)).toEqual([key]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'keys'))).toEqual(['secret.key']);
  });

  test('callers and processes at the same time end with one key', async () => {
    const path = join(folder, 'secret.key');
    const script = `import { loadOrCreateSecretKey } from ${JSON.stringify(new URL('../../src/access/secrets.ts', import.meta.url).href)};
      const all = await Promise.all([1, 2, 3, 4].map(() => loadOrCreateSecretKey(${JSON.stringify(path)})));
      console.log(all.map(([key]) => key.toString('base64')).join('\\n'));`;
    const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    const outputs = await Promise.all([run(), run(), run()]);
    const seen = outputs.flatMap(({ stdout }) => stdout.trim().split('\n'));
    expect(seen).toHaveLength(12);
    expect(new Set(seen)).toEqual(new Set([(await readFile(path, 'utf8')).trim()]));
    expect(await readdir(folder)).toEqual(['secret.key']);
  });

  test('fault 108: a damaged key file is refused and left as it is', async () => {
    const path = join(folder, 'secret.key');
    await writeFile(path, testSecret('not-a-key'));
    expect(await errorOf(() => loadOrCreateSecretKey(path))).toMatchObject({ code: 'SECRET_KEY_INVALID' });
    expect(await readFile(path, 'utf8')).toBe(testSecret('not-a-key'));
  });
});
