import { InterruptedError } from './progress/interrupt.ts';
import { usage } from './usage.ts';

/** Reads a password from standard input: up to its end, without the line break there. */
export async function readPassword(signal: AbortSignal): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  signal.addEventListener('abort', closeInput, { once: true });
  try {
    for await (const piece of process.stdin) {
      const bytes = Buffer.from(piece as Buffer | string);
      sizeBytes += bytes.length;
      if (sizeBytes > passwordMaxBytes) throw tooLong();
      pieces.push(bytes);
    }
  } finally {
    signal.removeEventListener('abort', closeInput);
  }
  const password = Buffer.concat(pieces)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password !== '') return password;
  throw usage('--password-stdin got nothing on standard input. Pipe the password or token in.');
}

function closeInput(): void {
  process.stdin.destroy(new InterruptedError());
}

const passwordMaxBytes = 64 * 1024;

function tooLong(): Error {
  return usage(`Standard input has more than ${passwordMaxBytes} bytes. Expected a password or token.`);
}
