/**
 * Secrets of tests can be recognised: whatever a test uses as a password, a token, a key or a header's value is made by `testSecret`. What
 * goes away at the end of a test or of the run is searched for them first: databases, logs, outputs, data folders, Temporal's file.
 */
import type { Logger } from 'pino';
import { findBytes } from '../../scripts/find-bytes.mjs';
import { createLogger } from '../../src/processes/logger.ts';

const marker = 'tidemark-test-secret-';

/** A secret for a test: `tidemark-test-secret-<name>`. */
export function testSecret(name: string): string {
  return `${marker}${name}`;
}

/** A text as it is, in hexadecimal, and in base64 wherever it begins in what is encoded. */
export function disguisesOf(text: string): string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    // what neighbours have a part in is left out
    return bytes.toString('base64').slice(Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3));
  });
  return [text, Buffer.from(text).toString('hex'), ...inBase64];
}

/** Of every test's secrets. */
export const secretMarkers = disguisesOf(marker);

/** @throws where a test's secret is in the text. */
export function expectNoSecret(text: string, where: string): void {
  for (const disguise of secretMarkers) {
    const at = text.indexOf(disguise);
    if (at >= 0)
      throw new Error(`A secret of a test is in ${where}: …${text.slice(Math.max(0, at - 120), at + 80)}…`);
  }
}

/** @throws where a test's secret is in a file of the folder. */
export async function expectNoSecretIn(folder: string): Promise<void> {
  const found = await findBytes(folder, secretMarkers);
  const paths = [...new Set([...found.values()].flat())];
  if (paths.length > 0) throw new Error(`A secret of a test is in ${paths.join(', ')}`);
}

export interface WatchedLogger {
  readonly logger: Logger;
  /** What was logged at info and above, and holds the text. */
  lines(text: string): Record<string, unknown>[];
  /** @throws where a test's secret was logged. */
  expectNoSecret(): void;
}

/** A log that says all it can to nobody, or to the terminal with TEST_LOG_LEVEL. */
export function createWatchedLogger(): WatchedLogger {
  let leak: unknown;
  const kept: string[] = [];
  const level = process.env['TEST_LOG_LEVEL'];
  const write = (line: string): void => {
    if (level !== undefined) process.stdout.write(line);
    if (!/^\{"level":[12]0,/.test(line)) kept.push(line);
    try {
      expectNoSecret(line, 'a log');
    } catch (error) {
      leak ??= error;
    }
  };
  return {
    logger: createLogger(level ?? 'trace', { write }),
    lines: (text) =>
      kept.filter((line) => line.includes(text)).map((line) => JSON.parse(line) as Record<string, unknown>),
    expectNoSecret() {
      if (leak !== undefined) throw leak;
    },
  };
}
