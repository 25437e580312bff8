import { syncFolder } from '../../files/sync-folder.ts';

/**
 * Makes the names in a folder durable. Concurrent callers share one fsync, which starts after all of them called: it covers the rename of each,
 * and small blobs do not wait for fsyncs in series.
 */
export function createDirectorySync(path: string): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function start(): Promise<void> {
    running = syncFolder(path).finally(() => {
      running = undefined;
    });
    return running;
  }

  async function startAfter(current: Promise<void>): Promise<void> {
    // A failure is reported to the callers of that fsync; these get a new one.
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
