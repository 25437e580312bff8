import type { Logger } from 'pino';

export interface FaultWatch {
  /** Rejects with the first uncaught exception; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the watch. */
  close(): void;
}

/** After an uncaught exception the process has this long to hand its work back. */
const lastWillMs = 15_000;
/** What waits for the end of the parts may still report it. */
const reportMs = 1_000;

/**
 * Faults that no code of ours caught. A promise that was rejected and never awaited belongs to one request or one batch: it is logged as an
 * error, and the process lives on (fault 117). After an uncaught exception nothing can be relied on: the parts are stopped, which hands
 * work in flight back to Temporal, and the process ends with exit code 1.
 */
export function watchFaults(logger: Logger, stop: () => Promise<void>): FaultWatch {
  const failure = Promise.withResolvers<never>();
  // whoever waits for it sees the rejection; nobody has to
  failure.promise.catch(() => undefined);
  let isFailing = false;

  const onRejection = (reason: unknown): void => {
    logger.error(
      { err: reason instanceof Error ? reason : new Error(String(reason)), alarm: 'UNHANDLED_REJECTION' },
      'a promise was rejected and nothing handled it; the process goes on. Please report this',
    );
  };
  const onException = (error: unknown): void => {
    logger.fatal(
      { err: error instanceof Error ? error : new Error(String(error)), alarm: 'UNCAUGHT_EXCEPTION' },
      'an exception was thrown and nothing caught it; handing work back and ending. Please report this',
    );
    if (isFailing) return;
    isFailing = true;
    failure.reject(error);
    setTimeout(endProcess, lastWillMs).unref();
    void handBack();
  };
  const handBack = async (): Promise<void> => {
    try {
      await stop();
    } catch (cause) {
      logger.error({ err: cause }, 'could not stop in order');
    }
    setTimeout(endProcess, reportMs);
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  return {
    failed: failure.promise,
    close() {
      if (isFailing) return;
      process.off('unhandledRejection', onRejection);
      process.off('uncaughtException', onException);
    },
  };
}

function endProcess(): never {
  process.exit(1);
}
