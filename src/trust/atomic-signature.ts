import { config, readMessage, verify } from 'openpgp';
import type { Key, VerifyMessageResult } from 'openpgp';
import { quoteValue } from '../oci/error.ts';
import { signedRepository } from '../oci/reference.ts';
import { NotVerified } from './not-verified.ts';
import type { Trust } from './compile-rules.ts';
import { expectDigest, readClaim } from './signed-payload.ts';
import type { SubjectOfSignature } from './subject.ts';

/** A real payload has a few hundred bytes. The limit stops compressed ones from growing without end. */
const maxPayloadBytes = 1024 * 1024;

export interface VerifiedAtomic {
  readonly by: string;
  /** Expiry time of the key; null: never. */
  readonly validUntil: Date | null;
}

/**
 * An OpenPGP message with one signature around the payload (containers/image, docs/containers-signature.5.md). The payload must name the
 * subject's digest, and the policy's repository, or else the upstream's. Its tag is not compared, because tags move. An expired or revoked
 * key verifies nothing, however old the signature claims to be.
 * @throws NotVerified, and errors of OpenPGP.js
 */
export async function verifyAtomic(
  trust: Trust,
  document: Uint8Array,
  subject: SubjectOfSignature,
): Promise<VerifiedAtomic> {
  if (trust.openPgpKeys.length === 0)
    throw new NotVerified('it is an OpenPGP signature, and the policy trusts no OpenPGP key');
  const message = await readMessage({
    binaryMessage: document,
    config: { maxDecompressedMessageSize: maxPayloadBytes },
  });
  const { data, signatures } = await verify({
    message,
    verificationKeys: [...trust.openPgpKeys],
    format: 'binary',
    config: { ...config, maxDecompressedMessageSize: maxPayloadBytes },
  });
  const [signature] = signatures;
  if (signature === undefined || signatures.length > 1)
    throw new NotVerified(`it has ${signatures.length} OpenPGP signatures; expected one`);
  const verified = await verifyKey(trust.openPgpKeys, signature);
  if (!(data instanceof Uint8Array)) throw new NotVerified('it has no payload');
  const claim = readClaim(data, 'atomic');
  expectDigest(claim.digest, subject.digest);
  expectRepository(claim.dockerReference, trust.dockerReference ?? subject.repository);
  return verified;
}

async function verifyKey(
  keys: readonly Key[],
  signature: VerifyMessageResult['signatures'][number],
): Promise<VerifiedAtomic> {
  const keyId = signature.keyID;
  const key = keys.find((one) => one.getKeyIDs().some((id) => id.equals(keyId)));
  if (key === undefined)
    throw new NotVerified(`the OpenPGP key ${keyId.toHex()} made it, which the policy does not trust`);
  await signature.verified;
  // by the present time: throws for a key or subkey that has expired since
  const signing = await key.getSigningKey(keyId, new Date());
  const ends = [await key.getExpirationTime(), await signing.getExpirationTime()];
  const dates = ends.filter((end) => end instanceof Date).sort((a, b) => a.getTime() - b.getTime());
  return { by: `OpenPGP key ${key.getFingerprint()}`, validUntil: dates[0] ?? null };
}

function expectRepository(dockerReference: string, expected: string | undefined): void {
  if (expected === undefined)
    throw new NotVerified(
      `it is for ${quoteValue(dockerReference)}, and there is no upstream to compare with; set the policy's dockerReference`,
    );
  const signed = signedRepository(dockerReference);
  if (signed !== expected)
    throw new NotVerified(`it is for ${quoteValue(dockerReference)}, and not for ${quoteValue(expected)}`);
}
