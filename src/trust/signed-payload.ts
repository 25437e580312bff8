import { parseDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { quoteValue } from '../oci/error.ts';
import { parseJson } from '../oci/manifest/json-parse.ts';
import type { JsonObject, JsonValue } from '../oci/manifest/json-parse.ts';
import { NotVerified } from './not-verified.ts';

/** The claim of a simple-signing payload (containers/image, docs/containers-signature.5.md). cosign uses the same form. */
export interface SignedClaim {
  readonly digest: Digest;
  readonly dockerReference: string;
}

export const payloadTypes = {
  atomic: 'atomic container signature',
  cosign: 'cosign container image signature',
} as const;

/** Reads a payload of this type. @throws NotVerified */
export function readClaim(payload: Uint8Array, type: keyof typeof payloadTypes): SignedClaim {
  const critical = member(parse(payload), 'critical', 'the payload');
  const named = critical.get('type');
  if (named !== payloadTypes[type])
    throw new NotVerified(
      `the payload's type is ${quoteValue(named)}; expected ${quoteValue(payloadTypes[type])}`,
    );
  // unknown critical members must not be ignored (containers/image)
  if (type === 'atomic' && critical.size !== 3)
    throw new NotVerified('the payload has critical members other than type, image and identity');
  const image = member(critical, 'image', 'critical');
  const identity = member(critical, 'identity', 'critical');
  const dockerReference = identity.get('docker-reference');
  return {
    digest: readDigest(image.get('docker-manifest-digest')),
    dockerReference: typeof dockerReference === 'string' ? dockerReference : '',
  };
}

/** @throws NotVerified when the claim is about another manifest (fault 59). */
export function expectDigest(claimed: Digest, digest: Digest): void {
  if (claimed !== digest) throw new NotVerified(`it was made for ${claimed}, which is another manifest`);
}

function parse(payload: Uint8Array): JsonValue {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw new NotVerified('the payload is not JSON');
  }
}

function member(value: JsonValue, key: string, where: string): JsonObject {
  const found = value instanceof Map ? value.get(key) : undefined;
  if (found instanceof Map) return found;
  throw new NotVerified(`${where} has no object ${quoteValue(key)}`);
}

function readDigest(value: JsonValue | undefined): Digest {
  try {
    return parseDigest(value);
  } catch {
    throw new NotVerified(`the payload names ${quoteValue(value)}, which is no digest`);
  }
}
