import type { Logger } from 'pino';

export interface FaultWatch {
  /** Rejects with the first uncaught exception; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the watch. */
  close(): void;
}

/** How long a process may hand its work back after an uncaught exception. */
const lastWillMs = 15_000;
/** The code that waits for the parts may still report it. */
const reportMs = 1_000;

/**
 * Handles uncaught errors. An unhandled rejection belongs to one request or batch: it is logged as an error, and the process continues
 * (fault 117). After an uncaught exception the state is unknown: the parts are stopped, work in flight goes back to Temporal, and the
 * process ends with exit code 1.
 */
export function watchFaults(logger: Logger, stop: () => Promise<void>): FaultWatch {
  const failure = Promise.withResolvers<never>();
  // The rejection is optional to await.
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
