import { crypto } from '@sigstore/core';
import type { KeyObject } from 'node:crypto';
import { readKeys } from 'openpgp';
import type { Key } from 'openpgp';
import { quoteValue } from '../oci/error.ts';
import { signedRepository } from '../oci/reference.ts';
import type { RuleMistake, SignatureRules, SignerIdentity } from '../oci/signatures/signature-rules.ts';
import { readTrustedRoot } from './trusted-root.ts';
import type { TrustMaterial } from './trusted-root.ts';

/** A cosign public key with its name for messages. */
export interface TrustedKey {
  readonly key: KeyObject;
  readonly name: string;
}

export interface TrustedIdentity extends SignerIdentity {
  readonly matches: (subject: string) => boolean;
}

/** Parsed rules. */
export interface Trust {
  readonly keys: readonly TrustedKey[];
  readonly openPgpKeys: readonly Key[];
  readonly identities: readonly TrustedIdentity[];
  readonly root: TrustMaterial | null;
  /** In the form of `signedRepository`; null: the upstream's repository. */
  readonly dockerReference: string | null;
}

export type CompiledRules =
  | { readonly trust: Trust }
  | { readonly mistakes: readonly [RuleMistake, ...RuleMistake[]] };

/** Far above any real key, root or list. */
const maxEntries = 100;
const maxTextLength = 256 * 1024;

/** Parses keys, identities and root. A mistake never repeats a key, which may be a private one (fault 55). */
export async function compileRules(rules: SignatureRules): Promise<CompiledRules> {
  const mistakes: RuleMistake[] = [];
  const refuse = (field: readonly string[], message: string) => mistakes.push({ field, message });
  refuseNonsense(rules, refuse);
  const keys = mistakes.length > 0 ? [] : readEach('keys', rules.keys, readCosignKey, refuse);
  const armoured = mistakes.length > 0 ? [] : rules.openPgpKeys;
  const openPgpKeys = (
    await Promise.all(
      armoured.map((text, index) => readOpenPgpKeys(text, ['openPgpKeys', String(index)], refuse)),
    )
  ).flat();
  const identities = rules.identities.map((identity) => ({
    ...identity,
    matches: matcher(identity.subject),
  }));
  const root = rules.trustedRoot === null ? null : readTrustedRoot(rules.trustedRoot);
  if (typeof root === 'string') refuse(['trustedRoot'], `trustedRoot ${root}`);
  const { dockerReference } = rules;
  const repository = dockerReference === null ? null : signedRepository(dockerReference);
  if (repository === undefined)
    refuse(
      ['dockerReference'],
      `dockerReference is ${quoteValue(dockerReference)}; expected a repository with its host and without a tag, as quay.io/acme/app.`,
    );
  const [first, ...others] = mistakes;
  if (first !== undefined) return { mistakes: [first, ...others] };
  return {
    trust: {
      keys,
      openPgpKeys,
      identities,
      root: typeof root === 'string' ? null : root,
      dockerReference: repository ?? null,
    },
  };
}

type Refuse = (field: readonly string[], message: string) => void;

function refuseNonsense(rules: SignatureRules, refuse: Refuse): void {
  const { keys, openPgpKeys, identities, trustedRoot } = rules;
  const lists = { keys, openPgpKeys, identities };
  for (const [field, list] of Object.entries(lists))
    if (list.length > maxEntries)
      refuse([field], `${field} has ${list.length} entries; at most ${maxEntries} are accepted.`);
  for (const [field, texts] of Object.entries({ keys, openPgpKeys }))
    for (const [index, text] of texts.entries())
      if (text.length > maxTextLength)
        refuse(
          [field, String(index)],
          `The key has ${text.length} characters; at most ${maxTextLength} are accepted.`,
        );
  if (keys.length + openPgpKeys.length + identities.length === 0)
    refuse(
      ['keys'],
      'The policy would trust nothing, so nothing could be verified; give keys, openPgpKeys or identities.',
    );
  if (identities.length > 0 && trustedRoot === null)
    refuse(['trustedRoot'], "identities need Sigstore's trusted root; give the text of a trusted_root.json.");
  for (const [index, { issuer, subject }] of identities.entries()) {
    if (!/^https?:\/\/[^\s*]{1,500}$/.test(issuer))
      refuse(
        ['identities', String(index), 'issuer'],
        `issuer is ${quoteValue(issuer)}; expected the OIDC issuer's URL, as https://accounts.google.com.`,
      );
    if (!/^\S{1,500}$/.test(subject) || /^\*+$/.test(subject))
      refuse(
        ['identities', String(index), 'subject'],
        `subject is ${quoteValue(subject)}; expected an email address or a URI, in which * stands for any characters.`,
      );
  }
}

function readEach<T>(
  field: string,
  texts: readonly string[],
  read: (text: string) => T | string,
  refuse: Refuse,
): T[] {
  return texts.flatMap((text, index) => {
    const value = read(text);
    if (typeof value !== 'string') return [value];
    refuse([field, String(index)], `The key ${value}`);
    return [];
  });
}

/** Returns the key, or the problem. cosign makes and accepts ECDSA on P-256, RSA and Ed25519. */
function readCosignKey(pem: string): TrustedKey | string {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    return 'is private; expected the public key (cosign.pub). Anyone who has seen the private key can sign.';
  const text = pem.trim();
  if (!/^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----$/.test(text))
    return 'is not PEM; expected one block of -----BEGIN PUBLIC KEY----- … -----END PUBLIC KEY-----, as in cosign.pub.';
  let key: KeyObject;
  try {
    key = crypto.createPublicKey(text);
  } catch {
    return 'cannot be read: it is damaged, or of a kind that is not supported. Copy it again from its source.';
  }
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  const isKnown =
    (kind === 'ec' && details?.namedCurve === 'prime256v1') ||
    (kind === 'rsa' && (details?.modulusLength ?? 0) >= 2048) ||
    kind === 'ed25519';
  if (!isKnown)
    return 'is of a kind that is not supported; expected ECDSA on P-256, RSA of 2048 bits or more, or Ed25519.';
  const fingerprint = crypto.digest('sha256', key.export({ type: 'spki', format: 'der' }));
  return { key, name: `key sha256:${fingerprint.toString('hex')}` };
}

async function readOpenPgpKeys(text: string, field: readonly string[], refuse: Refuse): Promise<Key[]> {
  try {
    const keys = await readKeys({ armoredKeys: text });
    if (keys.some((key) => key.isPrivate()))
      refuse(field, 'The key is private; expected the public key (gpg --armor --export <id>).');
    return keys;
  } catch {
    refuse(
      field,
      'The key cannot be read; expected one block of -----BEGIN PGP PUBLIC KEY BLOCK----- (gpg --armor --export <id>).',
    );
    return [];
  }
}

function matcher(pattern: string): (subject: string) => boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return (subject) => subject === pattern;
  return (subject) => {
    if (subject.length < head.length + tail.length || !subject.startsWith(head) || !subject.endsWith(tail))
      return false;
    let at = head.length;
    const end = subject.length - tail.length;
    for (const part of rest) {
      const found = subject.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
