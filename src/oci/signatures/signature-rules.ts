/** What a signature policy asks for, and what checking a signature by it answers; plain data between the parts. */

/** Whoever signed without a key of their own: what Sigstore's certificate authority wrote into the certificate. */
export interface SignerIdentity {
  /** The OIDC issuer, compared exactly: `https://accounts.google.com`. */
  readonly issuer: string;
  /** An email address or a URI; `*` stands for any characters, everything else for itself. */
  readonly subject: string;
}

/** One valid signature by any of these keys or identities is enough. */
export interface SignatureRules {
  /** Public keys of cosign's signatures, PEM. */
  readonly keys: readonly string[];
  /** Public keys of atomic signatures, ASCII-armoured OpenPGP. */
  readonly openPgpKeys: readonly string[];
  readonly identities: readonly SignerIdentity[];
  /** Sigstore's `trusted_root.json`; needed by `identities` only. */
  readonly trustedRoot: string | null;
  /** The repository that atomic signatures have to name, `quay.io/acme/app`; null: the upstream's. */
  readonly dockerReference: string | null;
}

/** A mistake in the rules; `field` is its path inside them. */
export interface RuleMistake {
  readonly field: readonly string[];
  readonly message: string;
}

export type Verdict =
  | {
      readonly isVerified: true;
      /** The key or identity that verified it, for people. */
      readonly by: string;
      /** From when on the signature counts no more; null: it does not end. */
      readonly validUntil: Date | null;
    }
  | { readonly isVerified: false; readonly reason: string };
