import type { Bundle } from '@sigstore/bundle';
import { quoteValue } from '../oci/error.ts';
import { Verifier, toSignedEntity } from '@sigstore/verify';
import { NotVerified } from './not-verified.ts';
import type { Trust } from './compile-rules.ts';

/**
 * Verifies a bundle that has a certificate: its chain up to the trusted root at the time that a log or a timestamp authority vouches for, its
 * entry in the transparency log, the certificate's own log entry, and the signature. Answers the identity.
 * @param artifact What a message signature is about; a DSSE envelope has its payload inside.
 * @throws NotVerified, and what Sigstore's library throws
 */
export function verifyIdentity(trust: Trust, bundle: Bundle, artifact?: Buffer): string {
  if (trust.root === null || trust.identities.length === 0)
    throw new NotVerified('it is signed with a certificate, and the policy trusts no identity');
  const { identity } = new Verifier(trust.root).verify(toSignedEntity(bundle, artifact));
  const subject = identity?.subjectAlternativeName;
  const issuer = identity?.extensions?.issuer;
  // compared here: the library takes the subject of a policy for a regular expression
  const trusted =
    subject !== undefined && trust.identities.some((one) => one.issuer === issuer && one.matches(subject));
  if (!trusted)
    throw new NotVerified(
      `${quoteValue(subject ?? 'nobody')} of the issuer ${quoteValue(issuer ?? 'none')} signed it, whom the policy does not trust`,
    );
  return `${subject} (${issuer})`;
}
