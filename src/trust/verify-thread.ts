import { Worker } from 'node:worker_threads';
import type { Digest } from '../oci/digest.ts';
import type { SignatureLayer } from '../oci/signatures/signature-layers.ts';
import type { RuleMistake, SignatureRules, Verdict } from '../oci/signatures/signature-rules.ts';
import type { LayerPlan } from './check-layers.ts';

/*
 * Verification on a thread of its own: parsing and cryptography of what strangers sent must not hold up what the process serves. The
 * thread starts with the first question and ends when there has been none for a while, and with it the memory that its libraries take.
 */

export interface SubjectToSend {
  readonly digest: Digest;
  readonly repository: string | undefined;
  /** Its exact bytes; undefined where no signature can be over them. */
  readonly document: Uint8Array | undefined;
}

interface ByRules {
  /** Tells rules from others. */
  readonly fingerprint: string;
  readonly rules: SignatureRules;
  readonly subject: SubjectToSend;
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
  | { readonly kind: 'verdict'; readonly verdict: Verdict | undefined }
  | { readonly kind: 'failed'; readonly message: string };

/** The thread was ended because a question took too long, or too much memory. */
export class VerifyLimitError extends Error {
  override readonly name = 'VerifyLimitError';
}

interface Asked {
  readonly question: VerifyQuestion;
  readonly resolve: (answer: VerifyAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export interface VerifyThreadSettings {
  /** Of one question; far above what any real signature takes. */
  readonly questionMaxMs?: number;
  /** Without a question for so long, the thread ends. */
  readonly idleMs?: number;
}

export function createVerifyThread({ questionMaxMs = 20_000, idleMs = 5_000 }: VerifyThreadSettings = {}) {
  const queue: Asked[] = [];
  let worker: Worker | undefined;
  let isReady = false;
  let current: Asked | undefined;
  let timer: NodeJS.Timeout | undefined;

  function start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js';
    const started = new Worker(new URL(file, import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 256 },
    });
    isReady = false;
    started.on('message', (answer: VerifyAnswer | { readonly kind: 'ready' }) => {
      if (worker !== started) return;
      if (answer.kind === 'ready') isReady = true;
      else if (answer.kind === 'failed') settle((asked) => asked.reject(new Error(answer.message)));
      else settle((asked) => asked.resolve(answer));
      next();
    });
    started.on('error', (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      fail(started, isMemory ? new VerifyLimitError('checking it takes too much memory') : error);
    });
    started.on('exit', (code) =>
      fail(started, new Error(`The thread that verifies signatures ended with code ${code}.`)),
    );
    return started;
  }

  function settle(how: (asked: Asked) => void): void {
    clearTimeout(timer);
    const asked = current;
    current = undefined;
    if (asked !== undefined) how(asked);
  }

  /** Ends a thread, with the question that it has; the others go to the next one. */
  function fail(failed: Worker, error: unknown): void {
    if (worker !== failed) return;
    worker = undefined;
    void failed.terminate();
    if (current === undefined && !isReady) current = queue.shift();
    settle((asked) => asked.reject(error));
    next();
  }

  function next(): void {
    if (current !== undefined) return;
    const asked = queue[0];
    if (asked === undefined) return rest();
    clearTimeout(timer);
    worker ??= start();
    worker.ref();
    if (!isReady) return;
    queue.shift();
    current = asked;
    const running = worker;
    timer = setTimeout(
      () => fail(running, new VerifyLimitError(`checking it takes longer than ${questionMaxMs / 1000} s`)),
      questionMaxMs,
    );
    running.postMessage(asked.question, []);
  }

  function rest(): void {
    const resting = worker;
    if (resting === undefined) return;
    resting.unref();
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (worker === resting) worker = undefined;
      void resting.terminate();
    }, idleMs);
    timer.unref();
  }

  return {
    /**
     * One question after the other. One that waits its turn is dropped when the signal is aborted.
     * @throws VerifyLimitError where the question takes more time or memory than any real signature does
     */
    ask(question: VerifyQuestion, signal?: AbortSignal): Promise<VerifyAnswer> {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const leave = () => {
          const place = queue.indexOf(asked);
          if (place < 0) return;
          queue.splice(place, 1);
          reject(signal?.reason as Error);
        };
        const asked: Asked = {
          question,
          resolve: (answer) => {
            signal?.removeEventListener('abort', leave);
            resolve(answer);
          },
          reject: (error) => {
            signal?.removeEventListener('abort', leave);
            reject(error);
          },
        };
        signal?.addEventListener('abort', leave, { once: true });
        queue.push(asked);
        next();
      });
    },

    /** Whether it takes memory now. */
    isRunning: () => worker !== undefined,
  };
}

/** One of the process. */
export const verifyThread = createVerifyThread();
