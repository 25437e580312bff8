import { plainText } from './format.ts';

/** Where a command writes: its result to standard output, everything said on the way to standard error. */
export interface Terminal {
  readonly print: (line: string) => void;
  readonly note: (line: string) => void;
  /** Whether standard error is a terminal on which a line can be drawn again. */
  readonly isLive: boolean;
  /** Whether standard output is one that a person reads. */
  readonly isPretty: boolean;
  readonly columns: () => number;
  /** Writes to standard error as it is: escape sequences of the progress line. */
  readonly draw: (text: string) => void;
}

/** The terminal of this process. `isQuiet`: nothing is said on the way. */
export function openTerminal({ isQuiet = false } = {}): Terminal {
  const { stdout, stderr, env } = process;
  return {
    print: (line) => void stdout.write(`${plainText(line)}\n`),
    note: (line) => {
      if (!isQuiet) stderr.write(`${plainText(line)}\n`);
    },
    isLive: !isQuiet && stderr.isTTY && env['TERM'] !== 'dumb' && !isSet(env['CI']),
    isPretty: stdout.isTTY,
    columns: () => stderr.columns ?? 80,
    draw: (text) => void stderr.write(text),
  };
}

/** Waits until what was written is out; a pipe is emptied by its reader. */
export async function flushTerminal(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => stream.write('', () => resolve())),
    ),
  );
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false';
}
