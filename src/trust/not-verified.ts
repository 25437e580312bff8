/** Why a signature was not verified. The message continues a sentence for users. */
export class NotVerified extends Error {
  override readonly name = 'NotVerified';
}
