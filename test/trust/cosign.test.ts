/** Signatures that cosign 3.1.3 made with keys of each kind (test/support/fixtures/cosign-signatures.json), and what must not pass. */
import { readFileSync } from 'node:fs';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { SignatureMaterial } from '../../src/trust/verify-signature.ts';
import { check, rulesOf, subjectOf } from './rules.ts';

interface Fixture {
  readonly digest: Digest;
  readonly signatures: readonly {
    readonly algorithm: string;
    readonly publicKey: string;
    readonly layer: { readonly annotations: Record<string, string>; readonly payload: string };
    readonly bundle: string;
  }[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../support/fixtures/cosign-signatures.json', import.meta.url), 'utf8'),
) as Fixture;
const subject = subjectOf(fixture.digest);
const other = subjectOf(parseDigest(`sha256:${'9'.repeat(64)}`));
const [ecdsa, rsa] = fixture.signatures;
if (ecdsa === undefined || rsa === undefined) throw new Error('the fixture has no signatures');

const layerOf = ({ layer }: Pick<typeof ecdsa, 'layer'>, payload = layer.payload): SignatureMaterial => ({
  kind: 'cosign',
  payload: Buffer.from(payload),
  annotations: layer.annotations,
});
const bundleOf = ({ bundle }: Pick<typeof ecdsa, 'bundle'>): SignatureMaterial => ({
  kind: 'bundle',
  document: Buffer.from(bundle),
});

const withKnownAlgorithm = fixture.signatures.filter(({ algorithm }) => algorithm !== 'ed25519');

describe.each(withKnownAlgorithm)('cosign with an $algorithm key', (signature) => {
  const trusted = rulesOf({ keys: [signature.publicKey] });

  test('a .sig layer is verified, and the key is named', async () => {
    expect(await check(trusted, layerOf(signature), subject)).toEqual({
      isVerified: true,
      by: expect.stringMatching(/^key sha256:[0-9a-f]{64}$/),
      validUntil: null,
    });
  });

  test('a bundle is verified', async () => {
    expect(await check(trusted, bundleOf(signature), subject)).toMatchObject({ isVerified: true });
  });

  test('another key verifies neither', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const stranger = rulesOf({ keys: [publicKey.export({ type: 'spki', format: 'pem' }).toString()] });
    const refused = { isVerified: false, reason: 'none of the trusted keys made the signature' };
    expect(await check(stranger, layerOf(signature), subject)).toEqual(refused);
    expect(await check(stranger, bundleOf(signature), subject)).toEqual(refused);
  });

  test('fault 59: for another manifest it is not verified', async () => {
    const reason = expect.stringContaining('which is another manifest');
    expect(await check(trusted, layerOf(signature), other)).toEqual({ isVerified: false, reason });
    expect(await check(trusted, bundleOf(signature), other)).toEqual({ isVerified: false, reason });
  });
});

test("cosign's Ed25519ph cannot be checked, and the reason says so", async () => {
  const signature = fixture.signatures.find(({ algorithm }) => algorithm === 'ed25519') ?? ecdsa;
  const refused = {
    isVerified: false,
    reason: expect.stringMatching(/^none of the trusted keys made the signature; signatures of Ed25519ph/),
  };
  const trusted = rulesOf({ keys: [signature.publicKey] });
  expect(await check(trusted, layerOf(signature), subject)).toEqual(refused);
  expect(await check(trusted, bundleOf(signature), subject)).toEqual(refused);
});

const keyed = rulesOf({ keys: [ecdsa.publicKey] });

test('one of several keys is enough', async () => {
  const both = rulesOf({ keys: [rsa.publicKey, ecdsa.publicKey] });
  expect(await check(both, layerOf(ecdsa), subject)).toMatchObject({ isVerified: true });
});

test('a forged payload is not verified: it names the manifest, and nobody signed that', async () => {
  const forged = ecdsa.layer.payload.replaceAll(fixture.digest, other.digest);
  expect(await check(keyed, layerOf(ecdsa, forged), other)).toEqual({
    isVerified: false,
    reason: 'none of the trusted keys made the signature',
  });
});

test('a forged statement in a bundle is not verified', async () => {
  const bundle = JSON.parse(ecdsa.bundle) as { dsseEnvelope: { payload: string } };
  const statement = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString();
  const payload = statement.replaceAll(fixture.digest.slice(7), other.digest.slice(7));
  bundle.dsseEnvelope.payload = Buffer.from(payload).toString('base64');
  const forged = bundleOf({ bundle: JSON.stringify(bundle) });
  expect(await check(keyed, forged, other)).toMatchObject({ isVerified: false });
});

test('a signature of another kind of object does not sign an image', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const trusted = rulesOf({ keys: [publicKey.export({ type: 'spki', format: 'pem' }).toString()] });
  const claim = (type: string) =>
    JSON.stringify({
      critical: { type, image: { 'docker-manifest-digest': subject.digest }, identity: {} },
    });
  const layer = (payload: string): SignatureMaterial => ({
    kind: 'cosign',
    payload: Buffer.from(payload),
    annotations: {
      'dev.cosignproject.cosign/signature': sign('sha256', Buffer.from(payload), privateKey).toString(
        'base64',
      ),
    },
  });
  expect(await check(trusted, layer(claim('cosign container image signature')), subject)).toMatchObject({
    isVerified: true,
  });
  expect(await check(trusted, layer(claim('atomic container signature')), subject)).toMatchObject({
    isVerified: false,
    reason: expect.stringContaining('the payload\'s type is "atomic container signature"'),
  });

  const statement = (predicateType: string): SignatureMaterial => {
    const payload = Buffer.from(
      JSON.stringify({ predicateType, subject: [{ digest: { sha256: subject.digest.slice(7) } }] }),
    );
    const type = 'application/vnd.in-toto+json';
    const message = Buffer.concat([
      Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.byteLength} `),
      payload,
    ]);
    return bundleOf({
      bundle: JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: { publicKey: { hint: '' } },
        dsseEnvelope: {
          payload: payload.toString('base64'),
          payloadType: type,
          signatures: [{ sig: sign('sha256', message, privateKey).toString('base64') }],
        },
      }),
    });
  };
  expect(await check(trusted, statement('https://sigstore.dev/cosign/sign/v1'), subject)).toMatchObject({
    isVerified: true,
  });
  expect(await check(trusted, statement('https://slsa.dev/provenance/v1'), subject)).toMatchObject({
    isVerified: false,
    reason: expect.stringContaining('which does not sign an image'),
  });
});

test('a bundle with a message signature is over the bytes of the manifest', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const trusted = rulesOf({ keys: [publicKey.export({ type: 'spki', format: 'pem' }).toString()] });
  const document = Buffer.from('{"schemaVersion":2}');
  const own = subjectOf(document);
  const bundle = bundleOf({
    bundle: JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: '' } },
      messageSignature: {
        messageDigest: {
          algorithm: 'SHA2_256',
          digest: Buffer.from(own.digest.slice(7), 'hex').toString('base64'),
        },
        signature: sign(undefined, document, privateKey).toString('base64'),
      },
    }),
  });
  expect(await check(trusted, bundle, own)).toMatchObject({ isVerified: true });
  expect(await check(trusted, bundle, subjectOf(Buffer.from('{}')))).toEqual({
    isVerified: false,
    reason: 'it was made for other bytes than this manifest has',
  });
});

test.each([
  ['an HTML page', '<!doctype html>'],
  ['nothing', ''],
  ['null', 'null'],
  ['an empty object', '{}'],
  ['nesting without end', '['.repeat(100_000)],
  ['an object with its members twice', '{"critical":{},"critical":{}}'],
])('what is no signature is not verified, and nothing is thrown: %s', async (_name, text) => {
  for (const kind of ['bundle', 'atomic'] as const)
    expect(await check(keyed, { kind, document: Buffer.from(text) }, subject)).toMatchObject({
      isVerified: false,
    });
  expect(await check(keyed, layerOf(ecdsa, text), subject)).toMatchObject({ isVerified: false });
});
