import type { SignatureLayer } from '../oci/signatures/signature-layers.ts';
import type { RuleMistake, SignatureRules, Verdict } from '../oci/signatures/signature-rules.ts';
import { openTaskThread, workerFile } from '../threads/task-thread.ts';
import type { LayerPlan } from './check-layers.ts';
import type { SubjectOfSignature } from './subject.ts';

export interface ByRules {
  /** Identifies the rules in the thread's cache. */
  readonly fingerprint: string;
  readonly rules: SignatureRules;
  readonly subject: SubjectOfSignature;
}

export type VerifyQuestion =
  | { readonly kind: 'rules'; readonly rules: SignatureRules }
  | { readonly kind: 'plan'; readonly document: Uint8Array }
  | ({ readonly kind: 'atomic'; readonly document: Uint8Array } & ByRules)
  | ({
      readonly kind: 'layers';
      readonly layers: readonly SignatureLayer[];
      readonly blobs: ReadonlyMap<string, Uint8Array>;
    } & ByRules);

export type VerifyAnswer =
  | { readonly kind: 'rules'; readonly mistakes: readonly RuleMistake[] }
  | { readonly kind: 'plan'; readonly plan: LayerPlan }
  | { readonly kind: 'verdict'; readonly verdict: Verdict | undefined };

/**
 * Verification on a thread of its own, because parsing and cryptography of untrusted input must not block the event loop. There is one in a
 * process. The limits are far above what a real signature takes.
 */
export const verifyThread = openTaskThread<VerifyQuestion, VerifyAnswer>({
  file: workerFile('verify-worker', import.meta.url),
  timeoutMs: 20_000,
  memoryMb: 256,
  maxWaiting: Number.POSITIVE_INFINITY,
  idleMs: 5_000,
});
