import type { Verdict } from '../oci/signatures/signature-rules.ts';
import { verifyAtomic } from './atomic-signature.ts';
import type { Trust } from './compile-rules.ts';
import { verifyCosignLayer } from './cosign-layer.ts';
import type { CosignLayer } from './cosign-layer.ts';
import { NotVerified } from './not-verified.ts';
import { verifyBundle } from './sigstore-bundle.ts';
import type { SubjectOfSignature } from './subject.ts';

export type SignatureMaterial =
  | ({ readonly kind: 'cosign' } & CosignLayer)
  | { readonly kind: 'bundle' | 'atomic'; readonly document: Uint8Array };

/** Checks one signature. It never throws: any error means "not verified", with the reason. */
export async function verifySignature(
  trust: Trust,
  material: SignatureMaterial,
  subject: SubjectOfSignature,
): Promise<Verdict> {
  try {
    return { isVerified: true, ...(await verify(trust, material, subject)) };
  } catch (error) {
    return { isVerified: false, reason: describe(error) };
  }
}

async function verify(
  trust: Trust,
  material: SignatureMaterial,
  subject: SubjectOfSignature,
): Promise<{ readonly by: string; readonly validUntil: Date | null }> {
  switch (material.kind) {
    case 'cosign':
      return { by: verifyCosignLayer(trust, material, subject), validUntil: null };
    case 'bundle':
      return { by: verifyBundle(trust, material.document, subject), validUntil: null };
    case 'atomic':
      return verifyAtomic(trust, material.document, subject);
  }
}

const maxReasonLength = 400;

/** Libraries repeat their input, so the text is shortened to one line without control characters. */
function describe(error: unknown): string {
  if (error instanceof NotVerified) return clean(error.message);
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return clean(`it cannot be verified: ${error instanceof Error ? error.message : 'unknown error'}${cause}`);
}

function clean(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > maxReasonLength ? `${line.slice(0, maxReasonLength)}…` : line;
}
