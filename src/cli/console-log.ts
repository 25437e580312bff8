import type { Logger } from 'pino';
import { createLogger } from '../processes/logger.ts';
import { plainText } from './progress/format.ts';

const levelNames: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
};

/** The log for a person at a terminal: one readable line each. */
export function createConsoleLog(level: string, write: (line: string) => void): Logger {
  return createLogger(level, { write: (line) => write(readable(line)) });
}

interface Reason {
  readonly message?: string;
  readonly cause?: Reason;
}

/** The messages of an error and of its causes. */
function reasons(error: Reason | string | undefined): string[] {
  if (typeof error === 'string') return [error];
  if (error?.message === undefined) return [];
  return [error.message, ...reasons(error.cause)];
}

function readable(line: string): string {
  try {
    const entry = JSON.parse(line) as {
      level: number;
      msg?: string;
      err?: Reason;
      error?: Reason | string;
    };
    const text = [entry.msg, ...reasons(entry.err ?? entry.error)].join(': ');
    return plainText(`${levelNames[entry.level] ?? entry.level}: ${text}`);
  } catch {
    return plainText(line.trimEnd());
  }
}
