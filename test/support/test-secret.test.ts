import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWatchedLogger, expectNoSecret, expectNoSecretIn, testSecret } from './test-secret.ts';

const secret = testSecret('found');

test.each([
  ['as it is', `password=${secret};`],
  ['in hexadecimal', `\\x00${Buffer.from(secret).toString('hex')}`],
  ...[0, 1, 2, 3].map((length) => [
    `in base64 after ${length} bytes`,
    Buffer.from(`${'u'.repeat(length)}${secret}:more`).toString('base64'),
  ]),
  ['in base64url', Buffer.from(`user:${secret}`).toString('base64url')],
])('a secret is found in a text, a log and a file: %s', async (_, text) => {
  expect(() => expectNoSecret(text, 'a text')).toThrow(/A secret of a test is in a text/);
  const log = createWatchedLogger();
  log.logger.info('nothing');
  log.expectNoSecret();
  log.logger.trace({ text });
  expect(() => log.expectNoSecret()).toThrow(/is in a log/);
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-secret-'));
  await writeFile(join(folder, 'harmless'), randomBytes(1_000_000));
  await expectNoSecretIn(folder);
  // it lies across the border of what is read at a time
  await writeFile(join(folder, 'told'), `${'x'.repeat(4 * 1024 * 1024 - 30)}${text}`);
  await expect(expectNoSecretIn(folder)).rejects.toThrow(join(folder, 'told'));
  await rm(folder, { recursive: true });
});
