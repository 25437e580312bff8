import { Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import { TidemarkError } from '../oci/error.ts';
import type { ThreadAnswer, ThreadReady } from './answer-questions.ts';

/** Work that would hold the event loop, done on a thread of its own: one question at a time, in the order asked. */
export interface TaskThread<Question, Answer> {
  /**
   * @throws TidemarkError what the other side threw; `ThreadError`; the signal's reason. An abort stops the work: the thread is
   * ended, and the next question starts a new one.
   */
  run(question: Question, options?: RunOptions): Promise<Answer>;
  /** Ends the thread; questions that wait are refused. */
  close(): Promise<void>;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** What is handed over rather than copied. */
  readonly transfer?: readonly Transferable[];
}

export interface TaskThreadSettings {
  /** The module that calls `answerQuestions`. */
  readonly file: URL;
  /** A question that takes longer is stopped; loading the thread's modules is not part of it. */
  readonly timeoutMs: number;
  /** The heap that it may fill. */
  readonly memoryMb: number;
  /** Questions that wait; more are refused. */
  readonly maxWaiting: number;
  /** The thread ends when nothing was asked for so long; it keeps no process alive meanwhile. */
  readonly idleMs: number;
}

/** `exhausted`: the question itself takes too much time or memory, and would again. `lost`: the thread ended. `busy`: too many wait. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';
  readonly kind: 'exhausted' | 'lost' | 'busy';

  constructor(kind: ThreadError['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

interface Job<Question, Answer> {
  readonly question: Question;
  readonly transfer: readonly Transferable[];
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** For a thread to load its modules, on a busy machine. */
const startMaxMs = 60_000;

/** Of a module beside this one: compiled where the caller is. */
export function workerFile(name: string, caller: string): URL {
  return new URL(`./${name}.${caller.endsWith('.ts') ? 'ts' : 'js'}`, caller);
}

export function openTaskThread<Question, Answer>(settings: TaskThreadSettings): TaskThread<Question, Answer> {
  const waiting: Job<Question, Answer>[] = [];
  let running: Job<Question, Answer> | undefined;
  let worker: Worker | undefined;
  let isReady = false;
  let timer: NodeJS.Timeout | undefined;

  function startWorker(): Worker {
    const started = new Worker(settings.file, {
      resourceLimits: { maxOldGenerationSizeMb: settings.memoryMb, maxYoungGenerationSizeMb: 16 },
    });
    isReady = false;
    started.on('message', (answer: ThreadAnswer<Answer> | ThreadReady) => {
      if (worker !== started) return;
      if ('ready' in answer) {
        isReady = true;
        if (running !== undefined) limitQuestion();
        return;
      }
      const job = finish();
      if ('error' in answer)
        job?.reject(new TidemarkError(answer.error.code, answer.error.message, answer.error));
      else if ('failure' in answer) job?.reject(new Error(answer.failure));
      else job?.resolve(answer.value);
      next();
    });
    const ended = (error: ThreadError): void => {
      if (worker === started) drop(error);
    };
    started.on('error', (error: NodeJS.ErrnoException) =>
      ended(
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? new ThreadError('exhausted', `It takes more than ${settings.memoryMb} MiB of memory.`, error)
          : new ThreadError('lost', 'The thread failed.', error),
      ),
    );
    started.on('exit', (code) => ended(new ThreadError('lost', `The thread ended with code ${code}.`)));
    return started;
  }

  function finish(): Job<Question, Answer> | undefined {
    clearTimeout(timer);
    const job = running;
    running = undefined;
    return job;
  }

  /** Ends the thread with what it does, and goes on with the next question on another. */
  function drop(reason: unknown): void {
    const ending = worker;
    worker = undefined;
    finish()?.reject(reason);
    void ending?.terminate();
    next();
  }

  function next(): void {
    if (running !== undefined) return;
    const job = waiting.shift();
    if (job === undefined) return rest();
    clearTimeout(timer);
    running = job;
    worker ??= startWorker();
    worker.ref();
    if (isReady) limitQuestion();
    else timer = setTimeout(() => drop(new ThreadError('lost', 'The thread did not start.')), startMaxMs);
    worker.postMessage(job.question, job.transfer);
  }

  function limitQuestion(): void {
    const { timeoutMs } = settings;
    clearTimeout(timer);
    timer = setTimeout(
      () => drop(new ThreadError('exhausted', `It takes more than ${timeoutMs} ms.`)),
      timeoutMs,
    );
  }

  function rest(): void {
    if (worker === undefined) return;
    worker.unref();
    clearTimeout(timer);
    timer = setTimeout(() => drop(undefined), settings.idleMs).unref();
  }

  return {
    async run(question, { signal, transfer = [] } = {}) {
      signal?.throwIfAborted();
      if (waiting.length >= settings.maxWaiting)
        throw new ThreadError('busy', `${waiting.length} others wait already.`);
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const job: Job<Question, Answer> = { question, transfer, resolve, reject };
      const abort = (): void => {
        if (running === job) return drop(signal?.reason);
        const place = waiting.indexOf(job);
        if (place >= 0) waiting.splice(place, 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      waiting.push(job);
      next();
      try {
        return await promise;
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    },
    async close() {
      for (const job of waiting.splice(0)) job.reject(new ThreadError('lost', 'The thread was closed.'));
      const ending = worker;
      drop(new ThreadError('lost', 'The thread was closed.'));
      await ending?.terminate();
    },
  };
}
