import { generateKeyPairSync } from 'node:crypto';
import { generateKey } from 'openpgp';
import { expect, test } from 'vitest';
import type { SignatureRules } from '../../src/oci/signatures/signature-rules.ts';
import { compileRules } from '../../src/trust/compile-rules.ts';
import { createSigstoreWorld } from '../support/signatures/sigstore-world.ts';
import { rulesOf } from './rules.ts';

const spki = { type: 'spki', format: 'pem' } as const;
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const keyPair = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve, publicKeyEncoding: spki, privateKeyEncoding: pkcs8 });
const good = keyPair('P-256');
const short = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: spki,
  privateKeyEncoding: pkcs8,
});
const pgp = await generateKey({ userIDs: { name: 'A' }, format: 'armored' });
const { identity, trustedRoot } = createSigstoreWorld();
const keyless = { identities: [identity], trustedRoot };

test.each<[string, Partial<SignatureRules>]>([
  ['keys', { keys: [good.publicKey] }],
  ['OpenPGP keys', { openPgpKeys: [pgp.publicKey] }],
  ['identities', keyless],
])('%s are read', async (_name, rules) => {
  expect(await compileRules(rulesOf(rules))).toHaveProperty('trust');
});

test.each<[string, Partial<SignatureRules>, readonly string[], RegExp]>([
  ['nothing', {}, ['keys'], /would trust nothing/],
  ['a private key', { keys: [good.privateKey] }, ['keys', '0'], /is private/],
  ['no PEM', { keys: [good.publicKey, 'cosign.pub'] }, ['keys', '1'], /is not PEM/],
  ['a damaged key', { keys: [good.publicKey.replace(/MFk/, 'AAA')] }, ['keys', '0'], /cannot be read/],
  ['two keys in one', { keys: [good.publicKey + good.publicKey] }, ['keys', '0'], /is not PEM/],
  ['a curve that is not supported', { keys: [keyPair('P-384').publicKey] }, ['keys', '0'], /ECDSA on P-256/],
  ['a short RSA key', { keys: [short.publicKey] }, ['keys', '0'], /2048 bits/],
  ['a key without end', { keys: ['x'.repeat(300_000)] }, ['keys', '0'], /at most 262144/],
  ['keys without end', { keys: Array<string>(101).fill(good.publicKey) }, ['keys'], /at most 100/],
  ['a private OpenPGP key', { openPgpKeys: [pgp.privateKey] }, ['openPgpKeys', '0'], /is private/],
  ['no OpenPGP key', { openPgpKeys: [good.publicKey] }, ['openPgpKeys', '0'], /PGP PUBLIC KEY BLOCK/],
  ['identities without a root', { identities: [identity] }, ['trustedRoot'], /trusted_root.json/],
  ['a root that is none', { ...keyless, trustedRoot: '{}' }, ['trustedRoot'], /names no/],
  ['a root that is no JSON', { ...keyless, trustedRoot: '<' }, ['trustedRoot'], /cannot be read/],
  [
    'an issuer that is no URL',
    { trustedRoot, identities: [{ ...identity, issuer: 'accounts' }] },
    ['identities', '0', 'issuer'],
    /expected the OIDC issuer/,
  ],
  [
    'a subject that is anybody',
    { trustedRoot, identities: [{ ...identity, subject: '*' }] },
    ['identities', '0', 'subject'],
    /expected an email address/,
  ],
  [
    'a reference that names no repository',
    { keys: [good.publicKey], dockerReference: 'Not A Name' },
    ['dockerReference'],
    /expected a repository/,
  ],
])('%s is a mistake of its field', async (_name, rules, field, message) => {
  const compiled = await compileRules(rulesOf(rules));
  expect(compiled).toEqual({
    mistakes: [{ field, message: expect.stringMatching(message) }],
  });
  // whoever sends a private key by mistake must not find it in a log
  expect(JSON.stringify(compiled)).not.toContain('MIG');
});
