import type { Digest } from '../oci/digest.ts';

/** The manifest that a signature has to be about. */
export interface SubjectOfSignature {
  readonly digest: Digest;
  /** Its exact bytes, where a signature is over those. */
  readonly readDocument: () => Promise<Uint8Array>;
  /** The upstream's repository as `repositoryReference` writes it; undefined where there is none. */
  readonly repository: string | undefined;
}
