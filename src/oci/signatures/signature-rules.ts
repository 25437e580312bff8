/** The rules of a signature policy, and the verdict on a signature, as plain data. */

/** A keyless signer, as in the certificate of Sigstore's certificate authority. */
export interface SignerIdentity {
  /** The OIDC issuer, compared exactly: `https://accounts.google.com`. */
  readonly issuer: string;
  /** An email address or a URI; `*` matches any characters. */
  readonly subject: string;
}

/** One valid signature by any of these keys or identities is enough. */
export interface SignatureRules {
  /** Public keys of cosign's signatures, PEM. */
  readonly keys: readonly string[];
  /** Public keys of atomic signatures, ASCII-armoured OpenPGP. */
  readonly openPgpKeys: readonly string[];
  readonly identities: readonly SignerIdentity[];
  /** Sigstore's `trusted_root.json`; required by `identities`. */
  readonly trustedRoot: string | null;
  /** The repository that atomic signatures must name, `quay.io/acme/app`; null: the upstream's. */
  readonly dockerReference: string | null;
}

/** An error in the rules; `field` is its path. */
export interface RuleMistake {
  readonly field: readonly string[];
  readonly message: string;
}

export type Verdict =
  | {
      readonly isVerified: true;
      /** The key or identity that verified it, for people. */
      readonly by: string;
      /** The expiry time; null: never. */
      readonly validUntil: Date | null;
    }
  | { readonly isVerified: false; readonly reason: string };
