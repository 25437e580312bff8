import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { DigestAlgorithm } from '../../oci/digest.ts';

/** A hash, possibly on another thread. Only one call at a time. */
export interface StreamHash {
  /** The chunk may be reused afterwards. */
  update(chunk: Uint8Array): Promise<void> | void;
  /** In hex. No call may follow. */
  digest(): Promise<string> | string;
  /** Frees a hash without its digest. */
  drop(): void;
}

export type HashQuestion = { readonly number: number; readonly id: number } & (
  | { readonly kind: 'begin'; readonly algorithm: DigestAlgorithm }
  | { readonly kind: 'update'; readonly chunk: Uint8Array }
  | { readonly kind: 'digest' | 'drop' }
);

export interface HashAnswer {
  readonly number: number;
  digest?: string | undefined;
}

/** Below this, the messages cost more than the hash. */
const largeBytes = 1024 * 1024;

/** Large content is hashed on another thread, while this one serves the sockets. */
export function createStreamHash(algorithm: DigestAlgorithm, sizeBytes: number): StreamHash {
  if (sizeBytes >= largeBytes) return hashElsewhere(algorithm);
  const hash = createHash(algorithm);
  return {
    update: (chunk) => void hash.update(chunk),
    digest: () => hash.digest('hex'),
    drop() {},
  };
}

interface Waiter {
  resolve(answer: HashAnswer): void;
  reject(error: unknown): void;
}

/** One per process, from the first large blob on. It does not keep the process alive. */
let thread: { readonly worker: Worker; readonly waiting: Map<number, Waiter> } | undefined;
let numbers = 0;

function openThread() {
  if (thread !== undefined) return thread;
  const file = import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
  });
  const waiting = new Map<number, Waiter>();
  const opened = { worker, waiting };
  const fail = (error: unknown): void => {
    if (thread === opened) thread = undefined;
    for (const waiter of waiting.values()) waiter.reject(error);
    waiting.clear();
  };
  worker.on('message', (answer: HashAnswer) => {
    const waiter = waiting.get(answer.number);
    waiting.delete(answer.number);
    waiter?.resolve(answer);
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`The hash thread exited with code ${code}.`)));
  thread = opened;
  return opened;
}

function hashElsewhere(algorithm: DigestAlgorithm): StreamHash {
  // A hash ends with the thread that it began on.
  const { worker, waiting } = openThread();
  const id = ++numbers;

  function ask(question: DistributiveOmit<HashQuestion, 'number' | 'id'>, transfer: ArrayBuffer[] = []) {
    return new Promise<HashAnswer>((resolve, reject) => {
      if (thread?.worker !== worker) throw new Error('The thread of this hash has exited.');
      const number = ++numbers;
      waiting.set(number, { resolve, reject });
      worker.ref();
      worker.postMessage({ ...question, number, id }, transfer);
    });
  }

  const begun = ask({ kind: 'begin', algorithm });
  // The next call reports the error.
  begun.catch(() => undefined);
  return {
    async update(chunk) {
      await begun;
      // Other memory would be cloned with the whole buffer around the chunk.
      if (chunk.buffer instanceof SharedArrayBuffer) await ask({ kind: 'update', chunk });
      else {
        const copy = Uint8Array.from(chunk);
        await ask({ kind: 'update', chunk: copy }, [copy.buffer]);
      }
    },
    async digest() {
      const { digest } = await ask({ kind: 'digest' });
      if (digest === undefined) throw new Error('The hash thread does not know this hash.');
      return digest;
    },
    drop: () => void ask({ kind: 'drop' }).catch(() => undefined),
  };
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
