import type { SignatureChecks } from '../upstream/check-signatures.ts';
import type { Database } from '../db/open-database.ts';
import { keepPulled } from '../db/versions/pull-content.ts';
import type { Doubt, PulledContent, PullOutcome } from '../db/versions/pull-content.ts';
import { readConfigBlobs, readSignerBlobs, storeSigners } from '../db/versions/pull-signatures.ts';
import type { BlobToStore } from '../db/versions/pull-signatures.ts';
import { findUnchecked, isOneValid } from '../db/policies/verdicts.ts';
import { isSideFailure } from './pull-companions.ts';
import type { HeldUpstream } from './remote-clients.ts';
import type { UpstreamBlobs } from './upstream-blobs.ts';

/** Time for fetching and checking signatures in one pull. Verdicts are stored, so the next pull continues from there. */
const checkMaxMs = 10_000;
/** Limits of one signature. A check refuses larger ones. */
const signerMost = { blobs: 101, bytes: 8 * 1024 * 1024 };

export interface VerifiedKeep {
  readonly database: Database;
  readonly blobs: UpstreamBlobs;
  readonly signatures: SignatureChecks;
  readonly upstream: HeldUpstream;
  readonly pulled: PulledContent;
  /** Problems with signatures that could not be read. */
  readonly problems: readonly string[];
}

/**
 * Commits pulled content when every policy verifies it, and nothing otherwise. Signatures are fetched and checked one by one, cheap kinds
 * first, up to the first valid one.
 */
export async function keepVerified(keep: VerifiedKeep, signal: AbortSignal): Promise<PullOutcome> {
  const { database, signatures, pulled } = keep;
  const em = database.em.fork();
  const budget = AbortSignal.timeout(checkMaxMs);
  const problems = [...keep.problems];
  const tried = new Map(pulled.policies.map(({ policyId }) => [policyId, new Set<number>()]));
  await storeSigners(em, pulled.companions);
  await storeBlobs(keep, await readConfigBlobs(em, pulled.manifestId), { problems, signal });
  for (let areConfigsRead = false; ;) {
    const doubt = await keepPulled(em, pulled, tried);
    if (doubt === undefined) return { kind: 'kept' };
    const { policy, trusted } = doubt;
    const [reason] = problems;
    if (!areConfigsRead && trusted.unread.length > 0) {
      await signatures.readConfigs(trusted.unread, signal);
      areConfigsRead = true;
      continue;
    }
    if (trusted.unchecked.length === 0) return { kind: 'refused', trusted, reason };
    for (const id of trusted.unchecked) {
      if (budget.aborted) return { kind: 'out-of-time', trusted, reason };
      tried.get(policy.policyId)?.add(id);
      const answer = await checkOne({ ...keep, policy }, id, { problems, signal, budget });
      if (answer === 'out-of-time') return { kind: answer, trusted, reason };
      if (answer === 'valid') break;
    }
  }
}

interface Fetching {
  readonly problems: string[];
  readonly signal: AbortSignal;
}

async function checkOne(
  keep: VerifiedKeep & Pick<Doubt, 'policy'>,
  id: number,
  { budget, ...fetching }: Fetching & { readonly budget: AbortSignal },
): Promise<'valid' | 'not-valid' | 'out-of-time'> {
  const { database, signatures, policy, pulled } = keep;
  const { repositoryId } = pulled;
  const em = database.em.fork();
  // another pull may have stored a verdict meanwhile
  if ((await findUnchecked(em, policy, [id])).length > 0) {
    if (!(await storeBlobs(keep, await readSignerBlobs(em, id), fetching))) return 'not-valid';
    const outcome = await signatures.check(policy, [id], { repositoryId, signal: fetching.signal, budget });
    if (outcome === 'out-of-time') return outcome;
  }
  return (await isOneValid(em, policy, [id])) ? 'valid' : 'not-valid';
}

/** Returns false when a blob cannot be fetched. Blobs beyond the limits of a check are not fetched. */
async function storeBlobs(
  { blobs, upstream: { remote }, pulled: { repositoryId } }: VerifiedKeep,
  wanted: readonly BlobToStore[],
  { problems, signal }: Fetching,
): Promise<boolean> {
  const bytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (wanted.length > signerMost.blobs || bytes > signerMost.bytes) return true;
  try {
    for (const { digest, sizeBytes: size } of wanted) {
      signal.throwIfAborted();
      await blobs.store(repositoryId, remote, { digest, size });
    }
    return true;
  } catch (error) {
    if (!isSideFailure(error)) throw error;
    problems.push(error.message);
    return false;
  }
}
