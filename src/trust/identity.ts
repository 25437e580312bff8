import type { Bundle } from '@sigstore/bundle';
import { quoteValue } from '../oci/error.ts';
import { Verifier, toSignedEntity } from '@sigstore/verify';
import { NotVerified } from './not-verified.ts';
import type { Trust } from './compile-rules.ts';

/**
 * Verifies a bundle with a certificate: its chain to the trusted root at the time that a log or timestamp authority states, its entry in
 * the transparency log, the certificate's own log entry, and the signature. Returns the identity.
 * @param artifact the content of a message signature; a DSSE envelope includes its payload
 * @throws NotVerified, and errors of Sigstore's library
 */
export function verifyIdentity(trust: Trust, bundle: Bundle, artifact?: Buffer): string {
  if (trust.root === null || trust.identities.length === 0)
    throw new NotVerified('it is signed with a certificate, and the policy trusts no identity');
  const { identity } = new Verifier(trust.root).verify(toSignedEntity(bundle, artifact));
  const subject = identity?.subjectAlternativeName;
  const issuer = identity?.extensions?.issuer;
  // compared here, because the library treats a policy's subject as a regular expression
  const trusted =
    subject !== undefined && trust.identities.some((one) => one.issuer === issuer && one.matches(subject));
  if (!trusted)
    throw new NotVerified(
      `${quoteValue(subject ?? 'nobody')} of the issuer ${quoteValue(issuer ?? 'none')} signed it, whom the policy does not trust`,
    );
  return `${subject} (${issuer})`;
}
