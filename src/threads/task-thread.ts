import { Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import type { ThreadAnswer, ThreadReady } from './answer-questions.ts';
import { fromPlainError } from './plain-error.ts';

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
  let thread: RunningThread<Question, Answer> | undefined;

  function next(): void {
    if (thread?.job !== undefined) return;
    const job = waiting.shift();
    if (job === undefined) return thread?.rest();
    thread ??= openThread(settings, { onAnswer: next, onEnd });
    thread.ask(job);
  }

  /** The next question starts another thread. */
  function onEnd(): void {
    thread = undefined;
    next();
  }

  return {
    async run(question, { signal, transfer = [] } = {}) {
      signal?.throwIfAborted();
      if (waiting.length >= settings.maxWaiting)
        throw new ThreadError('busy', `${waiting.length} others wait already.`);
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const job: Job<Question, Answer> = { question, transfer, resolve, reject };
      const abort = (): void => {
        if (thread?.job === job) return void thread.end(signal?.reason);
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
      const closed = new ThreadError('lost', 'The thread was closed.');
      for (const job of waiting.splice(0)) job.reject(closed);
      await thread?.end(closed);
    },
  };
}

/** One thread, from its start to its end. */
interface RunningThread<Question, Answer> {
  /** The question that it answers now. */
  readonly job: Job<Question, Answer> | undefined;
  /** Only while it answers none. */
  ask(job: Job<Question, Answer>): void;
  /** Ends it when nothing is asked for `idleMs`. */
  rest(): void;
  /** Rejects its question with the reason, and resolves when it has ended. */
  end(reason: unknown): Promise<void>;
}

function openThread<Question, Answer>(
  settings: TaskThreadSettings,
  { onAnswer, onEnd }: { readonly onAnswer: () => void; readonly onEnd: () => void },
): RunningThread<Question, Answer> {
  let job: Job<Question, Answer> | undefined;
  let isReady = false;
  let hasEnded = false;
  const timer = createTimer();
  const worker = startWorker<Answer>(settings, {
    onReady() {
      isReady = true;
      if (job !== undefined) limitQuestion();
    },
    onAnswer(answer) {
      if (hasEnded) return;
      settle(finish(), answer);
      onAnswer();
    },
    onEnd: (error) => void end(error),
  });

  function finish(): Job<Question, Answer> | undefined {
    timer.clear();
    const done = job;
    job = undefined;
    return done;
  }

  async function end(reason: unknown): Promise<void> {
    if (hasEnded) return;
    hasEnded = true;
    finish()?.reject(reason);
    onEnd();
    await worker.terminate();
  }

  function limitQuestion(): void {
    const { timeoutMs } = settings;
    if (isReady)
      timer.set(timeoutMs, () => end(new ThreadError('exhausted', `It takes more than ${timeoutMs} ms.`)));
    else timer.set(startMaxMs, () => end(new ThreadError('lost', 'The thread did not start.')));
  }

  return {
    get job() {
      return job;
    },
    ask(asked) {
      job = asked;
      worker.ref();
      limitQuestion();
      worker.postMessage(asked.question, asked.transfer);
    },
    rest() {
      worker.unref();
      timer.set(settings.idleMs, () => end(undefined)).unref();
    },
    end,
  };
}

interface Timer {
  /** Takes the place of what was set before. */
  set(ms: number, onOver: () => unknown): NodeJS.Timeout;
  clear(): void;
}

function createTimer(): Timer {
  let running: NodeJS.Timeout | undefined;
  return {
    set(ms, onOver) {
      clearTimeout(running);
      running = setTimeout(onOver, ms);
      return running;
    },
    clear: () => clearTimeout(running),
  };
}

function startWorker<Answer>(
  { file, memoryMb }: TaskThreadSettings,
  {
    onReady,
    onAnswer,
    onEnd,
  }: {
    readonly onReady: () => void;
    readonly onAnswer: (answer: ThreadAnswer<Answer>) => void;
    readonly onEnd: (error: ThreadError) => void;
  },
): Worker {
  const worker = new Worker(file, {
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16 },
  });
  worker.on('message', (message: ThreadAnswer<Answer> | ThreadReady) => {
    if ('ready' in message) onReady();
    else onAnswer(message);
  });
  worker.on('error', (error: NodeJS.ErrnoException) =>
    onEnd(
      error.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? new ThreadError('exhausted', `It takes more than ${memoryMb} MiB of memory.`, error)
        : new ThreadError('lost', 'The thread failed.', error),
    ),
  );
  worker.on('exit', (code) => onEnd(new ThreadError('lost', `The thread ended with code ${code}.`)));
  return worker;
}

function settle<Answer>(job: Job<unknown, Answer> | undefined, answer: ThreadAnswer<Answer>): void {
  if ('error' in answer) job?.reject(fromPlainError(answer.error));
  else job?.resolve(answer.value);
}
