import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { workerFile } from './task-thread.ts';

/** What the thread is told first of each port. */
export interface OpenedService {
  /** The name in src/downloads/download-worker.ts. */
  readonly service: 'transport' | 'file';
  readonly port: MessagePort;
  readonly input: unknown;
}

/** A thread that reads, hashes and writes the bytes of large blobs. */
export interface DownloadThread {
  /** Bodies that it reads at the moment. */
  bodies: number;
  /** Opens a service on the thread. The thread ends some time after the last port was closed. */
  open(service: OpenedService['service'], input: unknown): MessagePort;
  /** Ends the thread. Its ports close, and its work fails with `THREAD_LOST`. */
  end(): Promise<void>;
}

/** One a core beside the main thread. Each moves more than half a gigabyte a second, so more than these gain nothing. */
const threadsMost = Math.min(4, Math.max(1, availableParallelism() - 1));
const idleMs = 10_000;

const threads = new Set<DownloadThread>();
const owners = new WeakMap<ArrayBufferLike, DownloadThread>();

/** The thread with the fewest bodies. Another one is started while all are busy. */
export function chooseThread(): DownloadThread {
  const [idlest] = [...threads].sort((one, other) => one.bodies - other.bodies);
  if (idlest !== undefined && (idlest.bodies === 0 || threads.size >= threadsMost)) return idlest;
  return startThread();
}

/** Notes that this thread reads into this memory. */
export function noteOwner(memory: ArrayBufferLike, thread: DownloadThread): void {
  owners.set(memory, thread);
}

/** The thread that reads into the memory of these bytes; else any. */
export function threadOf(bytes: Uint8Array): DownloadThread {
  const owner = owners.get(bytes.buffer);
  return owner !== undefined && threads.has(owner) ? owner : chooseThread();
}

function startThread(): DownloadThread {
  const worker = new Worker(workerFile('../downloads/download-worker', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  });
  worker.unref();
  let ports = 0;
  let ending: NodeJS.Timeout | undefined;
  const forget = (): void => void threads.delete(thread);
  const thread: DownloadThread = {
    bodies: 0,
    open(service, input) {
      const { port1, port2 } = new MessageChannel();
      ports += 1;
      clearTimeout(ending);
      port1.on('close', () => {
        ports -= 1;
        if (ports === 0) ending = setTimeout(() => void thread.end(), idleMs).unref();
      });
      worker.postMessage({ service, port: port2, input } satisfies OpenedService, [port2]);
      return port1;
    },
    async end() {
      forget();
      await worker.terminate();
    },
  };
  worker.on('error', (error) => {
    forget();
    process.emitWarning(`A download thread failed: ${error.message}`, { detail: error.stack ?? '' });
  });
  worker.on('exit', forget);
  threads.add(thread);
  return thread;
}
