import { readTrusted } from '../../../db/policies/read-trusted.ts';
import type { Trusted, TrustedQuestion } from '../../../db/policies/read-trusted.ts';
import type { PolicyKey } from '../../../db/schema/signatures.ts';
import { quoteValue } from '../../../oci/error.ts';
import { refuse } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import type { ServedVersion } from '../served-version.ts';

/** The time for checks of signatures in one request. Verdicts are kept, so the next request continues. */
const checkMaxMs = 10_000;
const retryAfterSeconds = 5;

/**
 * Refuses content that a policy of the distribution does not allow. Unchecked signatures are checked now, cheap ones first, until one is valid.
 * Each is checked once, from the database and the blob store only.
 * @throws TidemarkError `DENIED`; `UNAVAILABLE` if the checks exceed the time of one request.
 */
export async function requireVerified(
  exchange: Exchange,
  version: ServedVersion,
  question: TrustedQuestion,
): Promise<void> {
  const { policies } = version;
  if (policies.length === 0) return;
  const budget = AbortSignal.timeout(checkMaxMs);
  for (const policy of policies) {
    const { trusted, isOver } = await check(exchange, { ...version, policy, budget }, question);
    if (!trusted.isVerified) throw refuseUnverified(exchange, question, { trusted, isOver });
  }
}

export interface Unverified {
  /** Undefined if time ran out before. */
  readonly trusted: Trusted | undefined;
  readonly isOver: boolean;
  /** Why the signatures could not be fetched from the upstream. */
  readonly reason?: string | undefined;
}

/** 503 if time ran out, else 403; with the reason. */
export function refuseUnverified(
  { reply }: Exchange,
  question: TrustedQuestion,
  { trusted, isOver, reason }: Unverified,
): Error {
  if (isOver) {
    reply.header('retry-after', retryAfterSeconds);
    return refuse(
      'UNAVAILABLE',
      trusted === undefined
        ? `${describe(question)} is being fetched with its signatures, for more than ${checkMaxMs / 1000} s. Try again: that goes on.`
        : `${describe(question)} has ${trusted.signatures} signatures, and none of those that could be checked within ` +
            `${checkMaxMs / 1000} s is valid. What was checked is kept; try again to go on with the others.`,
    );
  }
  return refuse(
    'DENIED',
    `${describe(question)} is not verified by a signature policy of this distribution or its repository: ${explain(trusted, reason)}.`,
  );
}

async function check(
  { em, api, request }: Exchange,
  version: ServedVersion & { readonly policy: PolicyKey; readonly budget: AbortSignal },
  question: TrustedQuestion,
): Promise<{ readonly trusted: Trusted; readonly isOver: boolean }> {
  const { policy, budget } = version;
  const { signal } = request;
  const tried: number[] = [];
  for (let round = 1; ; round += 1) {
    const trusted = await readTrusted(em, version, policy, { question, tried });
    const { isVerified, unchecked, unread } = trusted;
    if (isVerified) return { trusted, isOver: false };
    // A config that cannot be read now is not read again in this request.
    if (round === 1 && unread.length > 0) await api.signatures.readConfigs(unread, signal);
    else if (unchecked.length === 0) return { trusted, isOver: false };
    const outcome = await api.signatures
      .check(policy, unchecked, { repositoryId: version.repositoryId, signal, budget, untilValid: true })
      .catch((error: unknown) => {
        throw signal.aborted ? refuse('UNAVAILABLE', 'The client has left.') : error;
      });
    if (outcome === 'out-of-time') {
      const last = await readTrusted(em, version, policy, { question, tried });
      return { trusted: last, isOver: last.unchecked.length > 0 };
    }
    tried.push(...unchecked);
  }
}

function describe(question: TrustedQuestion): string {
  if ('tag' in question) return `The tag ${quoteValue(question.tag)}`;
  return 'digest' in question ? `The manifest ${question.digest}` : `The blob ${question.blob}`;
}

function explain(trusted: Trusted | undefined, problem: string | undefined): string {
  // Unreadable signatures do not prove that there are none.
  if (problem !== undefined) return `what signs it could not be read: ${problem.replace(/\.$/, '')}`;
  const { signatures, reason } = trusted ?? { signatures: 0, reason: null };
  if (signatures === 0) return 'it has no signature';
  if (reason === null)
    return `the content of its ${signatures === 1 ? 'signature' : 'signatures'} is not stored`;
  return signatures === 1
    ? `of its signature, ${reason}`
    : `none of its ${signatures} signatures is valid; of one, ${reason}`;
}
