import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toTrustMaterial } from '@sigstore/verify';
import type { TrustMaterial } from '@sigstore/verify';

export type { TrustMaterial } from '@sigstore/verify';

const maxLength = 1024 * 1024;

/** Reads the Sigstore project's `trusted_root.json`, or returns the problem as the rest of a sentence. */
export function readTrustedRoot(text: string): TrustMaterial | string {
  if (text.length > maxLength) return `has ${text.length} characters; at most ${maxLength} are accepted.`;
  try {
    const root = TrustedRoot.fromJSON(JSON.parse(text));
    const material = toTrustMaterial(root);
    const lacks = [
      ...(material.certificateAuthorities.length === 0 ? ['certificate authority'] : []),
      ...(material.tlogs.length === 0 ? ['transparency log'] : []),
      ...(material.ctlogs.length === 0 ? ['certificate transparency log'] : []),
    ];
    return lacks.length === 0
      ? material
      : `names no ${lacks.join(' and no ')}: nothing could be verified. Give a whole trusted_root.json.`;
  } catch {
    return "cannot be read; expected the JSON of Sigstore's trusted_root.json (application/vnd.dev.sigstore.trustedroot+json).";
  }
}
