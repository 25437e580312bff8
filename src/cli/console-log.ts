import { pino } from 'pino';
import type { Logger } from 'pino';
import { plainText } from './format.ts';

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
  return pino(
    { level, redact: ['*.password', '*.authorization'] },
    { write: (line) => write(readable(line)) },
  );
}

function readable(line: string): string {
  try {
    const entry = JSON.parse(line) as {
      level: number;
      msg?: string;
      err?: { message?: string };
      error?: unknown;
    };
    const reason = entry.err?.message ?? (typeof entry.error === 'string' ? entry.error : undefined);
    const text = [entry.msg, reason].filter((part) => part !== undefined).join(': ');
    return plainText(`${levelNames[entry.level] ?? entry.level}: ${text}`);
  } catch {
    return plainText(line.trimEnd());
  }
}
