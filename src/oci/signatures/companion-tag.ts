import { isDigest } from '../digest.ts';
import type { Digest } from '../digest.ts';

/**
 * Tags that belong to another manifest: cosign's `sha256-<hex>.sig`, `.att` and `.sbom`, and the fallback tag `sha256-<hex>` that lists
 * a manifest's referrers (distribution-spec, "Referrers Tag Schema").
 */
export const companionSuffixes = ['', '.sig', '.att', '.sbom'] as const;
export type CompanionSuffix = (typeof companionSuffixes)[number];

export interface CompanionTag {
  /** The manifest that it belongs to. */
  readonly subject: Digest;
  readonly suffix: CompanionSuffix;
}

/** Undefined for the name of an ordinary tag. */
export function parseCompanionTag(name: string): CompanionTag | undefined {
  const match = /^(sha256|sha512)-([a-f0-9]+)((?:\.(?:sig|att|sbom))?)$/.exec(name);
  const subject = `${match?.[1]}:${match?.[2]}`;
  const suffix = companionSuffixes.find((known) => known === match?.[3]);
  return suffix !== undefined && isDigest(subject) ? { subject, suffix } : undefined;
}

/** The tag of at most 128 characters; undefined where it would be longer (distribution-spec cuts a sha512's: nobody writes such). */
export function companionTag(subject: Digest, suffix: CompanionSuffix): string | undefined {
  const name = `${subject.replace(':', '-')}${suffix}`;
  return name.length <= 128 ? name : undefined;
}

const signatureType = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const bundleTypes = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[0-9.]+)?\+json(?:;.*)?$/;
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/**
 * Whether a manifest that refers to another signs it: cosign's signature artifact, or a Sigstore bundle that holds a signature. A bundle
 * with any other predicate is an attestation.
 */
export function isSignatureArtifact(
  artifactType: string | undefined,
  annotations: ReadonlyMap<string, unknown>,
): boolean {
  if (artifactType === signatureType) return true;
  if (artifactType === undefined || !bundleTypes.test(artifactType)) return false;
  return (
    annotations.get('dev.sigstore.bundle.content') === 'message-signature' ||
    annotations.get('dev.sigstore.bundle.predicateType') === signPredicate
  );
}
