/** OpenPGP signatures around the payload that containers/image writes. test/interop has those of skopeo and GnuPG. */
import { createMessage, generateKey, readPrivateKey, sign } from 'openpgp';
import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { packMessage } from '../support/signatures/atomic-bomb.ts';
import { check, rulesOf, subjectOf } from './rules.ts';

const subject = subjectOf(parseDigest(`sha256:${'1'.repeat(64)}`), 'quay.io/acme/app');
const hours = (count: number) => new Date(Date.now() + count * 3_600_000);

const newKey = async (options: { date?: Date; keyExpirationTime?: number } = {}) => {
  const { privateKey, publicKey } = await generateKey({
    userIDs: { name: 'A' },
    format: 'armored',
    ...options,
  });
  return { secret: await readPrivateKey({ armoredKey: privateKey }), publicKey };
};

const payload = (change: { digest?: string; reference?: string; type?: string; more?: object } = {}) =>
  JSON.stringify({
    critical: {
      type: change.type ?? 'atomic container signature',
      image: { 'docker-manifest-digest': change.digest ?? subject.digest },
      identity: { 'docker-reference': change.reference ?? 'quay.io/acme/app:1.0' },
      ...change.more,
    },
    optional: { creator: 'test', timestamp: 1_700_000_000 },
  });

type Secret = Awaited<ReturnType<typeof newKey>>['secret'];
const signed = async (text: string, secrets: Secret[], date = new Date()) => ({
  kind: 'atomic' as const,
  document: await sign({
    message: await createMessage({ binary: Buffer.from(text) }),
    signingKeys: secrets,
    format: 'binary',
    date,
  }),
});

const own = await newKey();
const stranger = await newKey();
const trusted = rulesOf({ openPgpKeys: [own.publicKey] });

test('a signature is verified, and the key is named', async () => {
  expect(await check(trusted, await signed(payload(), [own.secret]), subject)).toEqual({
    isVerified: true,
    by: `OpenPGP key ${own.secret.getFingerprint()}`,
    validUntil: null,
  });
});

test.each([
  ['fault 59: for another digest', { digest: `sha256:${'9'.repeat(64)}` }, /another manifest/],
  ['fault 59: for another repository', { reference: 'quay.io/evil/app:1.0' }, /not for "quay.io\/acme\/app"/],
  ['fault 59: for another registry', { reference: 'docker.io/acme/app' }, /not for "quay.io\/acme\/app"/],
  ['with a payload of another type', { type: 'cosign container image signature' }, /the payload's type/],
  [
    'with a critical member that nobody knows',
    { more: { until: 'yesterday' } },
    /critical members other than/,
  ],
])('%s it is not verified', async (_name, change, reason) => {
  expect(await check(trusted, await signed(payload(change), [own.secret]), subject)).toEqual({
    isVerified: false,
    reason: expect.stringMatching(reason),
  });
});

test('the policy may say which repository is meant; without it and without an upstream nothing is verified', async () => {
  const elsewhere = subjectOf(subject.digest, 'mirror.test/acme/app');
  const nowhere = subjectOf(subject.digest);
  const signature = await signed(payload(), [own.secret]);
  const named = { ...trusted, dockerReference: 'quay.io/acme/app' };
  expect(await check(trusted, signature, elsewhere)).toMatchObject({ isVerified: false });
  expect(await check(trusted, signature, nowhere)).toMatchObject({ isVerified: false });
  expect(await check(named, signature, elsewhere)).toMatchObject({ isVerified: true });
  expect(await check(named, signature, nowhere)).toMatchObject({ isVerified: true });
});

describe('keys', () => {
  test('another one verifies nothing', async () => {
    expect(await check(trusted, await signed(payload(), [stranger.secret]), subject)).toEqual({
      isVerified: false,
      reason: expect.stringContaining('which the policy does not trust'),
    });
  });

  test('two signatures are not one', async () => {
    const both = await signed(payload(), [own.secret, stranger.secret]);
    expect(await check(trusted, both, subject)).toMatchObject({
      isVerified: false,
      reason: 'it has 2 OpenPGP signatures; expected one',
    });
  });

  test('one that expires verifies until then', async () => {
    const expiring = await newKey({ keyExpirationTime: 3_600 });
    const verdict = await check(
      rulesOf({ openPgpKeys: [expiring.publicKey] }),
      await signed(payload(), [expiring.secret]),
      subject,
    );
    expect(verdict).toMatchObject({ isVerified: true, validUntil: expect.any(Date) });
  });

  test('one that has expired verifies nothing, though the signature claims to be older', async () => {
    const expired = await newKey({ date: hours(-48), keyExpirationTime: 3_600 });
    const backdated = await signed(payload(), [expired.secret], hours(-47.5));
    expect(await check(rulesOf({ openPgpKeys: [expired.publicKey] }), backdated, subject)).toMatchObject({
      isVerified: false,
      reason: expect.stringContaining('expired'),
    });
  });

  test('a policy without OpenPGP keys trusts none', async () => {
    const { publicKey } = await import('node:crypto').then(({ generateKeyPairSync }) =>
      generateKeyPairSync('ed25519', {
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      }),
    );
    expect(
      await check(rulesOf({ keys: [publicKey] }), await signed(payload(), [own.secret]), subject),
    ).toMatchObject({ isVerified: false, reason: expect.stringContaining('trusts no OpenPGP key') });
  });
});

test('a changed byte is noticed', async () => {
  const { document } = await signed(payload(), [own.secret]);
  const at = Buffer.from(document).indexOf('quay.io');
  const forged = Buffer.from(document);
  forged.write('Q', at);
  expect(await check(trusted, { kind: 'atomic', document: forged }, subject)).toMatchObject({
    isVerified: false,
  });
});

test('a message that grows without end when it is unpacked is not unpacked', async () => {
  const bomb = await packMessage(Buffer.alloc(64 * 1024 * 1024));
  expect(await check(trusted, { kind: 'atomic', document: bomb }, subject)).toMatchObject({
    isVerified: false,
    reason: expect.stringContaining('size'),
  });
});
