/** Logins by key: renewed before they expire, obtained once by concurrent requests, and kept where a renewal fails. */
import { expect, test } from 'vitest';
import { createLoginCache } from '../../../src/access/credentials/login-cache.ts';
import type { ProvidedLogin } from '../../../src/access/credentials/provider.ts';
import { TidemarkError } from '../../../src/oci/error.ts';

function scene(lifeMs?: number) {
  let nowMs = 1_000;
  let count = 0;
  let failure: Error | undefined;
  const cache = createLoginCache(() => nowMs);
  const provide = async (): Promise<ProvidedLogin> => {
    count += 1;
    const number = count;
    await Promise.resolve();
    if (failure !== undefined) throw failure;
    return { login: { kind: 'identityToken', token: `token-${number}` }, lifeMs };
  };
  return {
    get: async (key = 'a') => {
      const login = await cache.get(key, provide);
      return login.kind === 'identityToken' ? login.token : login.username;
    },
    drop: (token: string) => cache.drop('a', { kind: 'identityToken', token }),
    pass: (ms: number) => {
      nowMs += ms;
    },
    fail: (error: Error | undefined) => {
      failure = error;
    },
    provided: () => count,
  };
}

test('a login is renewed when a fifth of its life is left', async () => {
  const { get, pass } = scene(60_000);
  expect(await get()).toBe('token-1');
  pass(47_999);
  expect(await get()).toBe('token-1');
  pass(1);
  expect(await get()).toBe('token-2');
});

test('a long-lived login is renewed five minutes before it expires', async () => {
  const hour = 3_600_000;
  const { get, pass } = scene(12 * hour);
  await get();
  pass(12 * hour - 300_001);
  expect(await get()).toBe('token-1');
  pass(1);
  expect(await get()).toBe('token-2');
});

test('a login of unknown life is obtained again after eight minutes', async () => {
  const { get, pass } = scene();
  await get();
  pass(479_999);
  expect(await get()).toBe('token-1');
  pass(1);
  expect(await get()).toBe('token-2');
});

test('concurrent requests of a key share one renewal; other keys have their own', async () => {
  const { get, provided } = scene(60_000);
  expect(new Set(await Promise.all(Array.from({ length: 20 }, () => get())))).toEqual(new Set(['token-1']));
  expect(await get('b')).toBe('token-2');
  expect(provided()).toBe(2);
});

test('a refused login is dropped once: the renewed one stays', async () => {
  const { get, drop } = scene(60_000);
  await get();
  drop('token-1');
  expect(await get()).toBe('token-2');
  drop('token-1');
  expect(await get()).toBe('token-2');
});

test('while a renewal fails, the present login is used until it expires', async () => {
  const { get, pass, fail, provided } = scene(60_000);
  await get();
  fail(new TidemarkError('CREDENTIAL_UNAVAILABLE', 'down', { retryable: true }));
  pass(50_000);
  expect(await get()).toBe('token-1');
  expect(await get()).toBe('token-1');
  expect(provided()).toBe(2);
  pass(5_000);
  expect(await get()).toBe('token-1');
  expect(provided()).toBe(3);
  pass(5_000);
  await expect(get()).rejects.toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE' });
});

test('a failure answers the requests of five seconds, and then is tried again', async () => {
  const { get, pass, fail, provided } = scene(60_000);
  fail(new TidemarkError('CREDENTIAL_UNAVAILABLE', 'no'));
  await expect(get()).rejects.toMatchObject({ message: 'no' });
  await expect(get()).rejects.toMatchObject({ message: 'no' });
  expect(provided()).toBe(1);
  fail(undefined);
  pass(5_000);
  expect(await get()).toBe('token-2');
});
