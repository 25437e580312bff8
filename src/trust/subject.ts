import type { Digest } from '../oci/digest.ts';

/** The manifest that a signature must be about. */
export interface SubjectOfSignature {
  readonly digest: Digest;
  /** The exact bytes, which some signatures are over. Undefined: no signature is over them. */
  readonly document: Uint8Array | undefined;
  /** The upstream's repository in the form of `repositoryReference`; undefined: there is no upstream. */
  readonly repository: string | undefined;
}
