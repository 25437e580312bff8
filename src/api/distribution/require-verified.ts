import { readTrusted, uncheckedMost } from '../../db/read-trusted.ts';
import type { Trusted, TrustedQuestion } from '../../db/read-trusted.ts';
import { quoteValue } from '../../oci/error.ts';
import { refuse } from './error.ts';
import type { Exchange, ServedVersion } from './exchange.ts';

/** Rounds of checking in one request; the verdicts stay, so the next request goes on from there. */
const maxRounds = 10;

/**
 * Refuses what the policy of a distribution does not let out. Signatures that nobody has checked by it yet are checked now, from the
 * database and the blob store alone, and never again.
 * @throws TidemarkError `DENIED`, `UNAVAILABLE` while there are more signatures than one request checks.
 */
export async function requireVerified(
  { em, api, request }: Exchange,
  version: ServedVersion,
  question: TrustedQuestion,
): Promise<void> {
  const { policy } = version;
  if (policy === null) return;
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(maxCheckMs)]);
  let trusted = await readTrusted(em, version, policy, question);
  for (let round = 0; round < maxRounds && !trusted.isVerified && trusted.unchecked.length > 0; round += 1) {
    const before = trusted.unchecked;
    await api.signatures.check(policy, before, signal);
    trusted = await readTrusted(em, version, policy, question);
    // what cannot be checked stays unchecked
    if (trusted.unchecked[0] === before[0]) break;
  }
  if (trusted.isVerified) return;
  if (trusted.unchecked.length === uncheckedMost)
    throw refuse(
      'UNAVAILABLE',
      `${describe(question)} has ${trusted.signatures} signatures, which are being checked; try again.`,
    );
  throw refuse(
    'DENIED',
    `${describe(question)} is not verified by the signature policy of this distribution: ${explain(trusted)}.`,
  );
}

const maxCheckMs = 30_000;

function describe(question: TrustedQuestion): string {
  if ('tag' in question) return `The tag ${quoteValue(question.tag)}`;
  return 'digest' in question ? `The manifest ${question.digest}` : `The blob ${question.blob}`;
}

function explain({ signatures, unchecked, reason }: Trusted): string {
  if (signatures === 0) return 'it has no signature';
  const lost = unchecked.length === 0 ? '' : `, and the content of ${unchecked.length} is not stored`;
  if (reason === null)
    return `the content of its ${signatures === 1 ? 'signature' : 'signatures'} is not stored`;
  return signatures === 1
    ? `of its signature, ${reason}`
    : `none of its ${signatures} signatures is valid; of one, ${reason}${lost}`;
}
