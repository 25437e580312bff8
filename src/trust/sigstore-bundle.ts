import { bundleFromJSON, isBundleWithDsseEnvelope, isBundleWithMessageSignature } from '@sigstore/bundle';
import type { Bundle } from '@sigstore/bundle';
import { crypto } from '@sigstore/core';
import { toSignedEntity } from '@sigstore/verify';
import { digestAlgorithm, digestHex } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { quoteValue } from '../oci/error.ts';
import { NotVerified } from './not-verified.ts';
import type { Trust } from './compile-rules.ts';
import { noTrustedKey, verifyMessage } from './cosign-layer.ts';
import { verifyIdentity } from './identity.ts';
import type { SubjectOfSignature } from './subject.ts';

const statementType = 'application/vnd.in-toto+json';
/** The predicate of `cosign sign`. Other predicates (provenance, SBOMs) describe an image and do not sign it. */
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/** Returns the key or identity. @throws NotVerified, and errors of Sigstore's library */
export function verifyBundle(trust: Trust, document: Uint8Array, subject: SubjectOfSignature): string {
  const bundle = bundleFromJSON(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(document)));
  if (isBundleWithMessageSignature(bundle)) return verifyMessageBundle(trust, bundle, subject);
  if (!isBundleWithDsseEnvelope(bundle)) throw new NotVerified('the bundle has no signature');
  const { payload, payloadType } = bundle.content.dsseEnvelope;
  if (payloadType !== statementType)
    throw new NotVerified(`the bundle's payload is ${quoteValue(payloadType)}; expected ${statementType}`);
  expectStatement(payload, subject.digest);
  const { signature } = toSignedEntity(bundle);
  const trusted = trust.keys.find(({ key }) => signature.verifySignature(key));
  return trusted?.name ?? verifyOther(trust, bundle);
}

/** A message signature signs the manifest's own bytes. */
function verifyMessageBundle(
  trust: Trust,
  bundle: Bundle & { readonly content: { readonly $case: 'messageSignature' } },
  subject: SubjectOfSignature,
): string {
  const artifact = Buffer.from(subject.document ?? []);
  const { signature, messageDigest } = bundle.content.messageSignature;
  if (!crypto.bufferEqual(messageDigest?.digest ?? Buffer.alloc(0), crypto.digest('sha256', artifact)))
    throw new NotVerified('it was made for other bytes than this manifest has');
  const trusted = trust.keys.find((key) => verifyMessage(artifact, key, signature));
  return trusted?.name ?? verifyOther(trust, bundle, artifact);
}

function verifyOther(trust: Trust, bundle: Bundle, artifact?: Buffer): string {
  if (bundle.verificationMaterial.content.$case === 'publicKey') throw noTrustedKey(trust);
  return verifyIdentity(trust, bundle, artifact);
}

/** in-toto's Statement, v1: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
function expectStatement(payload: Buffer, digest: Digest): void {
  const statement: unknown = JSON.parse(payload.toString('utf8'));
  const { predicateType, subject } = asRecord(statement);
  if (predicateType !== signPredicate)
    throw new NotVerified(
      `it states ${quoteValue(predicateType)}, which does not sign an image; expected ${signPredicate}`,
    );
  const subjects = Array.isArray(subject) ? subject : [];
  const algorithm = digestAlgorithm(digest);
  const claims = subjects.map((one) => asRecord(asRecord(one)['digest'])[algorithm]);
  if (!claims.includes(digestHex(digest)))
    throw new NotVerified(`it was made for ${describe(algorithm, claims[0])}, which is another manifest`);
}

function describe(algorithm: string, claim: unknown): string {
  return typeof claim === 'string' && /^[0-9a-f]{1,128}$/.test(claim)
    ? `${algorithm}:${claim}`
    : quoteValue(claim ?? 'nothing');
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
