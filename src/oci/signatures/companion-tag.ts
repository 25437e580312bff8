import { isDigest } from '../digest.ts';
import type { Digest } from '../digest.ts';

/**
 * Companion tags: cosign's `sha256-<hex>.sig`, `.att` and `.sbom`, and the fallback tag `sha256-<hex>`, which lists a manifest's referrers
 * (distribution-spec, "Referrers Tag Schema").
 */
export const companionSuffixes = ['', '.sig', '.att', '.sbom'] as const;
export type CompanionSuffix = (typeof companionSuffixes)[number];

export interface CompanionTag {
  /** The manifest that it belongs to. */
  readonly subject: Digest;
  readonly suffix: CompanionSuffix;
}

/** Undefined for an ordinary tag. */
export function parseCompanionTag(name: string): CompanionTag | undefined {
  const match = /^(sha256|sha512)-([a-f0-9]+)((?:\.(?:sig|att|sbom))?)$/.exec(name);
  const subject = `${match?.[1]}:${match?.[2]}`;
  const suffix = companionSuffixes.find((known) => known === match?.[3]);
  return suffix !== undefined && isDigest(subject) ? { subject, suffix } : undefined;
}

/** Undefined if the tag would exceed 128 characters. distribution-spec truncates such tags of sha512, but no client writes them. */
export function companionTag(subject: Digest, suffix: CompanionSuffix): string | undefined {
  const name = `${subject.replace(':', '-')}${suffix}`;
  return name.length <= 128 ? name : undefined;
}

const signatureType = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const bundleTypes = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[0-9.]+)?\+json(?:;.*)?$/;
const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/** Whether a referrer is a signature: cosign's artifact, or a Sigstore bundle with a signature. Bundles with other predicates are attestations. */
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
