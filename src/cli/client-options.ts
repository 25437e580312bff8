import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { parseHttpUrl } from '../config-values.ts';

/** How a command reaches a server, and what it writes. */
export interface ClientOptions {
  readonly server: string | undefined;
  /** A file that holds what to log in with. */
  readonly tokenFile?: string | undefined;
  readonly json: boolean;
}

export interface GivenClientOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

export function withClientOptions(command: Command): Command {
  return command
    .option(
      '--server <url>',
      'a Tidemark server to use (default: TIDEMARK_SERVER, else the one on the data directory)',
      httpUrl,
    )
    .option('--token-file <path>', 'what to log in with (default: TIDEMARK_TOKEN)')
    .option('--json', 'write one JSON object to standard output, and nothing else');
}

export function clientOptions({ server, tokenFile, json = false }: GivenClientOptions): ClientOptions {
  return { server, tokenFile, json };
}

function httpUrl(value: string): string {
  const parsed = parseHttpUrl(value);
  if ('value' in parsed) return parsed.value;
  throw new InvalidArgumentError(`It ${parsed.mistake}.`);
}

export function wholeNumber(lowest: number, highest: number): (value: string) => number {
  return (value) => {
    const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= lowest && number <= highest) return number;
    throw new InvalidArgumentError(`Expected a whole number, ${lowest} to ${highest}.`);
  };
}
