import { constants } from 'node:os';

export interface Interrupt {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** 128 and the number of the signal that came; 130 for Ctrl-C. */
  exitCode(): number;
  /** Resolves with the first signal. */
  readonly received: Promise<void>;
}

/** One Ctrl-C reaches a process twice where npm started it: from the terminal, and handed on by npm. */
const sameWishMs = 500;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** From now on the first signal asks to stop in order; a second one ends the process at once. */
export function catchInterrupts(): Interrupt {
  const controller = new AbortController();
  let code = 130;
  let lastMs = -Infinity;
  const received = new Promise<void>((resolve) => {
    for (const name of signals)
      process.on(name, () => {
        const nowMs = performance.now();
        const isSame = nowMs - lastMs < sameWishMs;
        lastMs = nowMs;
        if (isSame) return;
        if (controller.signal.aborted) {
          process.stderr.write('\u001b[?25h');
          process.exit(130);
        }
        code = 128 + constants.signals[name];
        controller.abort(new InterruptedError());
        resolve();
      });
  });
  return { signal: controller.signal, exitCode: () => code, received };
}

/** A person asked to stop: not a fault, and nothing to report. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';

  constructor() {
    super('stopped by a signal');
  }
}
