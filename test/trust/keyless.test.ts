/** Signatures without a key, checked against the trusted root of a Sigstore that each test makes for itself. */
import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { createSigstoreWorld } from '../support/signatures/sigstore-world.ts';
import type { SignWish, SigstoreWorld } from '../support/signatures/sigstore-world.ts';
import { check, rulesOf, subjectOf } from './rules.ts';

const world = createSigstoreWorld();
const subject = subjectOf(parseDigest(`sha256:${'1'.repeat(64)}`));
const payload = Buffer.from(
  JSON.stringify({
    critical: {
      identity: { 'docker-reference': 'x.test/app' },
      image: { 'docker-manifest-digest': subject.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  }),
);
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: subject.digest.slice(7) } }],
  predicateType: 'https://sigstore.dev/cosign/sign/v1',
  predicate: {},
};
const trusted = rulesOf({ identities: [world.identity], trustedRoot: world.trustedRoot });
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);

describe.each([
  [
    'a bundle',
    (wish: SignWish, from: SigstoreWorld) =>
      ({ kind: 'bundle', document: Buffer.from(from.signStatement(statement, wish)) }) as const,
  ],
  [
    'annotations of a .sig layer',
    (wish: SignWish, from: SigstoreWorld) =>
      ({ kind: 'cosign', payload, annotations: from.signLayer(payload, wish) }) as const,
  ],
])('%s', (_name, signedBy) => {
  const signed = (wish: SignWish) => signedBy(wish, world);

  test('is verified, and the identity is named', async () => {
    expect(await check(trusted, signed({}), subject)).toEqual({
      isVerified: true,
      by: 'builder@acme.test (https://accounts.acme.test)',
      validUntil: null,
    });
  });

  test('stays verified when the certificate has long expired: the log says when it was used', async () => {
    const then = hoursAgo(5_000);
    expect(await check(trusted, signed({ certifiedAt: then, loggedAt: then }), subject)).toMatchObject({
      isVerified: true,
    });
  });

  test.each([
    ['an expired certificate', { certifiedAt: hoursAgo(10) }],
    ['a certificate that was not valid yet', { loggedAt: hoursAgo(10) }],
  ])('is not verified with %s', async (_what, wish) => {
    expect(await check(trusted, signed(wish), subject)).toEqual({
      isVerified: false,
      reason: expect.stringMatching(/certificate is not valid or expired at the specified date/),
    });
  });

  test.each([
    ['another issuer', { issuer: 'https://evil.test' }],
    ['another subject', { email: 'builder@acme.test.evil' }],
    ['a subject that fits as a regular expression only', { email: 'builder@acmeXtest' }],
  ])('is not verified for %s', async (_what, wish) => {
    expect(await check(trusted, signed(wish), subject)).toEqual({
      isVerified: false,
      reason: expect.stringMatching(/signed it, whom the policy does not trust$/),
    });
  });

  test('is not verified against the root of another Sigstore', async () => {
    expect(await check(trusted, signedBy({}, createSigstoreWorld()), subject)).toMatchObject({
      isVerified: false,
    });
  });

  test('fault 59: is not verified for another manifest', async () => {
    expect(await check(trusted, signed({}), subjectOf(Buffer.from('another')))).toMatchObject({
      isVerified: false,
      reason: expect.stringContaining('which is another manifest'),
    });
  });
});

test('* in the subject of an identity stands for any characters', async () => {
  const rules = rulesOf({
    trustedRoot: world.trustedRoot,
    identities: [{ ...world.identity, subject: 'https://ci.test/acme/*@refs/tags/v*' }],
  });
  const signedBy = (email: string) =>
    check(
      rules,
      { kind: 'bundle', document: Buffer.from(world.signStatement(statement, { email })) },
      subject,
    );
  expect(await signedBy('https://ci.test/acme/app@refs/tags/v1')).toMatchObject({ isVerified: true });
  expect(await signedBy('https://ci.test/acme/app@refs/heads/v1')).toMatchObject({ isVerified: false });
  expect(await signedBy('https://evil.test/https://ci.test/acme/app@refs/tags/v1')).toMatchObject({
    isVerified: false,
  });
});

test('without an entry of the transparency log nothing says when the certificate was used', async () => {
  const bundle = JSON.parse(world.signStatement(statement)) as {
    verificationMaterial: { tlogEntries: object[] };
  };
  bundle.verificationMaterial.tlogEntries = [];
  expect(
    await check(trusted, { kind: 'bundle', document: Buffer.from(JSON.stringify(bundle)) }, subject),
  ).toEqual({ isVerified: false, reason: expect.stringContaining('expected 1 timestamps, got 0') });
});

test('a policy of keys alone trusts nobody with a certificate', async () => {
  const keys = rulesOf({
    keys: [],
    openPgpKeys: [],
    identities: [world.identity],
    trustedRoot: world.trustedRoot,
  });
  const annotations = world.signLayer(payload);
  const forged = { ...annotations, 'dev.cosignproject.cosign/signature': 'AAAA' };
  expect(await check(keys, { kind: 'cosign', payload, annotations: forged }, subject)).toMatchObject({
    isVerified: false,
  });
});
