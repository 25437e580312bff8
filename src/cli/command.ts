import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { parseByteCount, parseHttpUrl } from '../config-values.ts';
import type { Session } from './session.ts';
import type { ServerOptions, Surroundings } from './surroundings.ts';

/** A command with its arguments, ready to run. */
export interface RunPlan {
  readonly command: 'run';
  /** The words that name the command: `repository show`. */
  readonly name: string;
  readonly json: boolean;
  /** The arguments and options, after `read`. */
  readonly request: unknown;
  /** @returns the exit code. */
  readonly run: (surroundings: Surroundings) => Promise<number>;
}

export type CommandPlan =
  | RunPlan
  /** Help, the version or a usage error: only text to show. */
  | { readonly command: 'show'; readonly text: string; readonly isMistake: boolean };

export type Choose = (plan: CommandPlan) => void;

interface Registration {
  /** As commander takes it: `show <repository>`. */
  readonly usage: string;
  readonly text: string;
  /** Adds options, examples and aliases. */
  readonly setUp?: (command: Command) => unknown;
}

interface LocalCommand<Options, Request> extends Registration {
  /** Reads the arguments before anything runs. @throws TidemarkError `USAGE` */
  readonly read: (args: readonly string[], options: Options) => Request;
  readonly run: (surroundings: Surroundings, request: Request) => Promise<number>;
}

/** Registers a command. */
export function addCommand<Options extends object, Request>(
  parent: Command,
  choose: Choose,
  { usage, text, setUp, read, run }: LocalCommand<Options, Request>,
): void {
  const command = parent.command(usage).description(text);
  setUp?.(command);
  command.action((...given: unknown[]) => {
    // commander hands over the arguments, the options and the command
    const options = given.at(-2) as Options & { readonly json?: boolean };
    const args = given.slice(0, -2).filter((value): value is string => typeof value === 'string');
    const request = read(args, options);
    choose({
      command: 'run',
      name: nameOf(command),
      json: options.json ?? false,
      request,
      run: (surroundings) => run(surroundings, request),
    });
  });
}

function nameOf(command: Command): string {
  const parent = command.parent;
  return parent?.parent == null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

/** What a command of a client works with. */
export interface Client extends Surroundings {
  readonly session: Session;
  readonly json: boolean;
}

export interface ClientCommand<Options> extends Registration {
  /** A command that only reads never starts a server of its own. */
  readonly reads?: boolean;
  readonly run: (client: Client, args: readonly string[], options: Options) => Promise<number>;
}

/** Registers a command that talks to a server, with the options that all of these share. */
export function addClientCommand<Options extends object>(
  parent: Command,
  choose: Choose,
  { reads = false, setUp, run, ...registration }: ClientCommand<Options>,
): void {
  addCommand<Options & ServerOptions & { readonly json?: boolean }, ClientRequest<Options>>(parent, choose, {
    ...registration,
    setUp(command) {
      withServerOptions(command);
      setUp?.(command);
    },
    read: (args, options) => ({ args, options, reads }),
    async run(surroundings, { args, options }) {
      const { openSession } = await import('./session.ts');
      const session = await openSession(surroundings, options, { mayStart: !reads });
      try {
        return await run({ ...surroundings, session, json: options.json ?? false }, args, options);
      } finally {
        await session.close();
      }
    },
  });
}

interface ClientRequest<Options> {
  readonly args: readonly string[];
  readonly options: Options & ServerOptions & { readonly json?: boolean };
  readonly reads: boolean;
}

export function withServerOptions(command: Command): Command {
  return command
    .option(
      '--server <url>',
      'URL of the Tidemark server (default: TIDEMARK_SERVER, else the server on the data directory)',
      httpUrl,
    )
    .option('--token-file <path>', 'file with the token to log in with (default: TIDEMARK_TOKEN)')
    .option('--json', 'write one JSON object to standard output, and nothing else');
}

function httpUrl(value: string): string {
  const parsed = parseHttpUrl(value);
  if ('value' in parsed) return parsed.value;
  throw new InvalidArgumentError(`It ${parsed.mistake}.`);
}

/** Parses an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export function wholeNumber(lowest: number, highest: number): (value: string) => number {
  return (value) => {
    const number = /^[0-9]{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= lowest && number <= highest) return number;
    throw new InvalidArgumentError(`Expected a whole number, ${lowest} to ${highest}.`);
  };
}

/** `4194304`, `4MiB`; 0 too. */
export function byteCount(text: string): number {
  const parsed = text === '0' ? { value: 0 } : parseByteCount(text);
  if ('value' in parsed) return parsed.value;
  throw new InvalidArgumentError('Expected a number of bytes, such as 4194304 or 4MiB.');
}

export const versionNumber = wholeNumber(1, 2_147_483_647);
