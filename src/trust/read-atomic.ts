import { readMessage } from 'openpgp';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { TidemarkError, quoteValue } from '../oci/error.ts';

/** The claims of an atomic container signature (containers/image, "atomic container signature" format). They are not verified. */
export interface AtomicSignature {
  readonly manifestDigest: Digest;
  readonly dockerReference: string | undefined;
  /** 16 hexadecimal digits in capitals, in the form of gpg. */
  readonly keyId: string | undefined;
  readonly creator: string | undefined;
  readonly timestamp: Date | undefined;
}

/** Limit of a compressed payload. A real one has a few hundred bytes. */
const payloadMaxBytes = 1024 * 1024;

/** Reads the payload of an OpenPGP message without verifying it. @throws TidemarkError `SIGNATURE_INVALID` */
export async function readAtomicSignature(bytes: Uint8Array): Promise<AtomicSignature> {
  const { payload, keyId } = await openMessage(bytes);
  const { critical, optional } = parseRecord(payload);
  const image = toRecord(toRecord(critical)['image']);
  const manifestDigest = image['docker-manifest-digest'];
  if (toRecord(critical)['type'] !== 'atomic container signature' || !isDigest(manifestDigest))
    throw invalid(
      `its payload has the type ${quoteValue(toRecord(critical)['type'])} and the manifest digest ${quoteValue(manifestDigest)}`,
    );
  const { creator, timestamp } = toRecord(optional);
  return {
    manifestDigest,
    dockerReference: toText(toRecord(toRecord(critical)['identity'])['docker-reference']),
    keyId,
    creator: toText(creator),
    timestamp: toDate(timestamp),
  };
}

async function openMessage(bytes: Uint8Array): Promise<{ payload: Uint8Array; keyId: string | undefined }> {
  try {
    const config = { maxDecompressedMessageSize: payloadMaxBytes };
    const message = (await readMessage({ binaryMessage: bytes, config })).unwrapCompressed();
    const payload = message.getLiteralData();
    const [signer] = message.getSigningKeyIDs();
    if (payload instanceof Uint8Array && payload.length <= payloadMaxBytes)
      return { payload, keyId: signer?.toHex().toUpperCase() };
  } catch {
    // OpenPGP.js's messages about broken packets do not help users
  }
  throw invalid('it is no OpenPGP message with a payload');
}

function parseRecord(payload: Uint8Array): Record<string, unknown> {
  try {
    return toRecord(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)));
  } catch {
    throw invalid('its payload is not JSON');
  }
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

const textMaxLength = 1_000;

/** PostgreSQL refuses NUL in text. */
function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= textMaxLength && !value.includes('\0')
    ? value
    : undefined;
}

function toDate(seconds: unknown): Date | undefined {
  const isTime = typeof seconds === 'number' && seconds >= 0 && seconds < 253_402_300_800;
  return isTime ? new Date(Math.trunc(seconds) * 1000) : undefined;
}

function invalid(came: string): TidemarkError {
  return new TidemarkError(
    'SIGNATURE_INVALID',
    `The signature cannot be read: ${came}; expected an atomic container signature, as skopeo and podman write it.`,
  );
}
