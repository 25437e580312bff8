import { createHash } from 'node:crypto';
import type { Database, Em } from '../db/open-database.ts';
import { SignaturePolicy } from '../db/schema/signatures.ts';
import { toSignatureRules } from '../db/policies/signature-policies.ts';
import { findHeld } from '../db/content/held-blobs.ts';
import {
  findUnchecked,
  isOneValid,
  readDocumentOf,
  readSignatureToCheck,
  writeVerdicts,
} from '../db/policies/verdicts.ts';
import type { SignatureToCheck } from '../db/policies/verdicts.ts';
import type { PolicyKey } from '../db/schema/signatures.ts';
import type { UnreadConfig } from '../db/staging/image-platforms.ts';
import { readConfigPlatforms } from './read-platforms.ts';
import { readSmallBlob } from './read-small-blob.ts';
import { createSharedWork } from './shared-work.ts';
import type { ContentSource } from '../oci/content-source.ts';
import type { SignatureLayer } from '../oci/signatures/signature-layers.ts';
import type { RuleMistake, SignatureRules, Verdict } from '../oci/signatures/signature-rules.ts';
import { ThreadError } from '../threads/task-thread.ts';
import { verifyThread } from '../trust/verify-thread.ts';
import type { SubjectOfSignature } from '../trust/subject.ts';

export interface SignatureChecksDeps {
  readonly database: Database;
  readonly store: ContentSource;
}

export interface CheckOptions {
  /** A layer that this repository does not have is treated as not stored, even when another repository has it. */
  readonly repositoryId: number;
  /** Aborted when the caller leaves: nothing more is checked for it. */
  readonly signal?: AbortSignal | undefined;
  /** Aborted when the caller's time is over. A check that has begun continues, and its verdict is stored. */
  readonly budget?: AbortSignal | undefined;
  /** Stop at the first valid signature. */
  readonly untilValid?: boolean;
}

/** `out-of-time`: the budget ended before the last signature. */
export type CheckOutcome = 'done' | 'out-of-time';

const batchSize = 100;
const rulesKept = 16;

interface Rules {
  readonly rules: SignatureRules;
  readonly fingerprint: string;
}

/** Checks signatures by policies on a thread, and stores each verdict at once. Concurrent callers share the check of a signature. */
export function createSignatureChecks({ database, store }: SignatureChecksDeps) {
  const readRules = createRulesCache();
  const flights = createSharedWork<Verdict | undefined>();

  return {
    /** Returns all mistakes in rules, before the rules are stored. */
    async checkRules(rules: SignatureRules): Promise<readonly RuleMistake[]> {
      const answer = await verifyThread.run({ kind: 'rules', rules });
      return answer.kind === 'rules' ? answer.mistakes : [];
    },

    /**
     * Checks the signatures that have no verdict of this policy, in the given order. A signature whose content is missing or damaged gets
     * no verdict, and counts as not verified until it can be checked.
     */
    async check(
      policy: PolicyKey,
      signatureIds: readonly number[],
      { repositoryId, signal, budget, untilValid = false }: CheckOptions,
    ): Promise<CheckOutcome> {
      const em = database.em.fork();
      const byRules = await readRules(em, policy);
      if (byRules === undefined) return 'done';
      const checkFor = { store, policy, byRules, repositoryId };
      for (let start = 0; start < signatureIds.length; start += batchSize) {
        const ids = signatureIds.slice(start, start + batchSize);
        const batch = await findUnchecked(em, policy, ids);
        // another caller may have found a valid one since these were read
        if (untilValid && batch.length < ids.length && (await isOneValid(em, policy, ids))) return 'done';
        for (const id of batch) {
          signal?.throwIfAborted();
          if (budget?.aborted === true) return 'out-of-time';
          const key = `${policy.policyId}/${policy.revision}/${policy.dockerReference ?? ''}/${id}/${repositoryId}`;
          const verdict = await flights.join(
            key,
            (workSignal) => checkOne({ ...checkFor, em: database.em.fork(), signal: workSignal }, id),
            { signal, budget },
          );
          if (verdict === 'out-of-time') return verdict;
          if (untilValid && verdict?.isVerified === true) return 'done';
        }
      }
      return 'done';
    },

    /** Reads from configs whether they have an image's platform. */
    readConfigs: (configs: readonly UnreadConfig[], signal: AbortSignal): Promise<void> =>
      readConfigPlatforms({ database, store }, configs, signal),
  };
}

export type SignatureChecks = ReturnType<typeof createSignatureChecks>;

interface Check {
  readonly em: Em;
  readonly store: ContentSource;
  readonly policy: PolicyKey;
  readonly byRules: Rules;
  readonly repositoryId: number;
  readonly signal: AbortSignal;
}

/** Returns undefined for a policy that has another revision by now. */
function createRulesCache() {
  const known = new Map<string, Rules>();
  return async (em: Em, { policyId, revision }: PolicyKey): Promise<Rules | undefined> => {
    const key = `${policyId}/${revision}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const policy = await em.findOne(SignaturePolicy, { id: policyId, revision });
    if (policy === null) return undefined;
    const rules = toSignatureRules(policy);
    const fingerprint = createHash('sha256').update(JSON.stringify(rules)).digest('hex');
    known.set(key, { rules, fingerprint });
    for (const oldest of known.keys()) if (known.size > rulesKept) known.delete(oldest);
    return { rules, fingerprint };
  };
}

async function checkOne(check: Check, id: number): Promise<Verdict | undefined> {
  const { em, policy } = check;
  const signature = await readSignatureToCheck(em, id);
  if (signature === undefined) return undefined;
  const verdict = await verdictOf(check, signature);
  if (verdict !== undefined) await writeVerdicts(em, policy, [{ id, kind: signature.kind, verdict }]);
  return verdict;
}

/** A signature that exceeds the thread's limits is refused for good, because each check would exceed them again. */
async function verdictOf(check: Check, signature: SignatureToCheck): Promise<Verdict | undefined> {
  try {
    return signature.content === null
      ? await checkManifest(check, signature)
      : await checkAtomic(check, signature, signature.content);
  } catch (error) {
    if (error instanceof ThreadError && error.kind === 'exhausted')
      return refused(`it cannot be checked within the limits: ${error.message}`);
    throw error;
  }
}

async function checkAtomic(
  { byRules, policy, signal }: Check,
  { signedDigest }: SignatureToCheck,
  document: Buffer,
): Promise<Verdict | undefined> {
  const subject = toSubject(policy, { digest: signedDigest, document: undefined });
  const answer = await verifyThread.run({ kind: 'atomic', document, subject, ...byRules }, { signal });
  return answer.kind === 'verdict' ? answer.verdict : undefined;
}

async function checkManifest(
  check: Check,
  { document, signedDigest }: SignatureToCheck,
): Promise<Verdict | undefined> {
  const { em, policy, byRules, signal } = check;
  if (document === null) return refused('its manifest is not stored');
  const planned = await verifyThread.run({ kind: 'plan', document }, { signal });
  if (planned.kind !== 'plan') return undefined;
  const { layers, ...why } = planned.plan;
  if (layers === undefined) return refused('refused' in why ? why.refused : '');
  const blobs = await readBlobs(check, layers);
  const hasBundle = layers.some(({ kind }) => kind === 'bundle');
  const signed = hasBundle ? await readDocumentOf(em, signedDigest) : undefined;
  const subject = toSubject(policy, { digest: signedDigest, document: signed });
  const answer = await verifyThread.run({ kind: 'layers', layers, blobs, subject, ...byRules }, { signal });
  return answer.kind === 'verdict' ? answer.verdict : undefined;
}

/** The blobs that are stored and that the repository has, each once. */
async function readBlobs(
  { em, store, repositoryId, signal }: Check,
  layers: readonly SignatureLayer[],
): Promise<Map<string, Uint8Array>> {
  const blobs = new Map<string, Uint8Array>();
  const digests = layers.map(({ digest }) => digest);
  const held = await findHeld(em, repositoryId, digests);
  for (const layer of new Map(layers.map((one) => [one.digest, one])).values()) {
    if (!held.has(layer.digest)) continue;
    const bytes = await readSmallBlob(store, layer, signal);
    if (bytes !== undefined) blobs.set(layer.digest, bytes);
  }
  return blobs;
}

function toSubject(
  { dockerReference }: PolicyKey,
  signed: Pick<SubjectOfSignature, 'digest' | 'document'>,
): SubjectOfSignature {
  return { ...signed, repository: dockerReference ?? undefined };
}

function refused(reason: string): Verdict {
  return { isVerified: false, reason };
}
