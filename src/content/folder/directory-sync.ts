import { open } from 'node:fs/promises';

/**
 * Makes the names in a folder durable. Callers at the same time share one fsync, which starts after all of them asked:
 * each one's rename is covered, and a thousand small blobs do not wait for a thousand fsyncs in series.
 */
export function createDirectorySync(path: string): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function start(): Promise<void> {
    running = syncDirectory(path).finally(() => {
      running = undefined;
    });
    return running;
  }

  async function startAfter(current: Promise<void>): Promise<void> {
    // Those who shared the one before are told of its failure; these get a new one.
    await current.catch(() => undefined);
    next = undefined;
    await start();
  }

  return () => {
    if (running === undefined) return start();
    next ??= startAfter(running);
    return next;
  };
}

/** One fsync of a folder; where a platform cannot (Windows), renames are durable by themselves or not at all. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
