/** Why a signature was not verified; the message is the rest of a sentence, for people. */
export class NotVerified extends Error {
  override readonly name = 'NotVerified';
}
