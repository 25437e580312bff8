import { bundleFromJSON } from '@sigstore/bundle';
import { crypto, pem } from '@sigstore/core';
import { NotVerified } from './not-verified.ts';
import type { Trust, TrustedKey } from './compile-rules.ts';
import { verifyIdentity } from './identity.ts';
import { expectDigest, readClaim } from './signed-payload.ts';
import type { SubjectOfSignature } from './subject.ts';

/** One layer of a cosign signature (cosign, specs/SIGNATURE_SPEC.md). */
export interface CosignLayer {
  readonly payload: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

const annotation = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

/** Returns the key or identity. @throws NotVerified */
export function verifyCosignLayer(
  trust: Trust,
  { payload, annotations }: CosignLayer,
  subject: SubjectOfSignature,
): string {
  expectDigest(readClaim(payload, 'cosign').digest, subject.digest);
  const text = annotations[annotation.signature];
  if (text === undefined || text === '')
    throw new NotVerified(`it has no annotation ${annotation.signature}`);
  const bytes = Buffer.from(payload);
  const signature = Buffer.from(text, 'base64');
  const trusted = trust.keys.find((key) => verifyMessage(bytes, key, signature));
  if (trusted !== undefined) return trusted.name;
  if (annotations[annotation.certificate] === undefined) throw noTrustedKey(trust);
  return verifyIdentity(trust, toBundle(bytes, text, annotations), bytes);
}

export function noTrustedKey({ keys }: Trust): NotVerified {
  const hint = keys.some(({ key }) => key.asymmetricKeyType === 'ed25519')
    ? '; signatures of Ed25519ph, as newer versions of cosign make with Ed25519 keys, cannot be checked here'
    : '';
  return new NotVerified(`none of the trusted keys made the signature${hint}`);
}

/** cosign signs the SHA-256 of a message with ECDSA and RSA (PKCS #1 v1.5), the message itself with Ed25519. */
export function verifyMessage(message: Buffer, { key }: TrustedKey, signature: Buffer): boolean {
  return crypto.verify(message, key, signature, key.asymmetricKeyType === 'ed25519' ? undefined : 'sha256');
}

/** The annotations in the form of newer cosign's bundle. The log's promise is their only proof. */
function toBundle(payload: Buffer, signature: string, annotations: Readonly<Record<string, string>>) {
  const timestamp = readJson(annotations[annotation.timestamp]);
  return bundleFromJSON({
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: crypto.digest('sha256', payload).toString('base64') },
      signature,
    },
    verificationMaterial: {
      x509CertificateChain: {
        certificates: [{ rawBytes: pem.toDER(annotations[annotation.certificate] ?? '').toString('base64') }],
      },
      tlogEntries: toLogEntries(readJson(annotations[annotation.bundle])),
      timestampVerificationData: {
        rfc3161Timestamps:
          timestamp === undefined ? [] : [{ signedTimestamp: timestamp['SignedRFC3161Timestamp'] }],
      },
    },
  });
}

function toLogEntries(bundle: Readonly<Record<string, unknown>> | undefined): object[] {
  const entry = asObject(bundle?.['Payload']);
  if (bundle === undefined || entry === undefined) return [];
  const { body, integratedTime, logIndex, logID } = entry;
  const canonicalizedBody = String(body);
  const { kind, apiVersion } = readJson(Buffer.from(canonicalizedBody, 'base64').toString('utf8')) ?? {};
  return [
    {
      logIndex: String(logIndex),
      logId: { keyId: Buffer.from(String(logID), 'hex').toString('base64') },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: bundle['SignedEntryTimestamp'] },
      canonicalizedBody,
    },
  ];
}

function readJson(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  return text === undefined ? undefined : asObject(JSON.parse(text));
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}
