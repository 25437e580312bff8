import type { Command } from 'commander';
import type { Config } from '../config.ts';
import { clientOptions, withClientOptions } from './client-options.ts';
import type { ClientOptions, GivenClientOptions } from './client-options.ts';
import type { Interrupt } from './progress/interrupt.ts';
import type { Session } from './session.ts';
import type { Terminal } from './progress/terminal.ts';

/** What a command works with. */
export interface Client {
  readonly session: Session;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly interrupt: Interrupt;
  readonly config: Config;
}

/** Runs a command against a server. @returns the exit code. */
export type RunClient = (client: Client) => Promise<number>;

export interface ClientPlan extends ClientOptions {
  readonly command: 'client';
  /** The words that name the command: `repository show`. */
  readonly name: string;
  /** A command that only reads never starts a server of its own. */
  readonly reads: boolean;
  readonly run: RunClient;
}

export type ChooseClient = (plan: ClientPlan) => void;

export interface ClientCommand<Options> {
  /** As commander takes it: `show <repository>`. */
  readonly usage: string;
  readonly text: string;
  readonly reads?: boolean;
  /** Adds options, examples and aliases. */
  readonly setUp?: (command: Command) => void;
  readonly run: (client: Client, args: readonly string[], options: Options) => Promise<number>;
}

/** Registers a command that talks to a server, with the options that all of these share. */
export function addClientCommand<Options extends object>(
  parent: Command,
  choose: ChooseClient,
  { usage, text, reads = false, setUp, run }: ClientCommand<Options>,
): void {
  const command = withClientOptions(parent.command(usage).description(text));
  setUp?.(command);
  command.action((...given: unknown[]) => {
    // commander hands over the arguments, the options and the command
    const options = given.at(-2) as Options & GivenClientOptions;
    const args = given.slice(0, -2).filter((value): value is string => typeof value === 'string');
    choose({
      command: 'client',
      name: nameOf(command),
      reads,
      run: (client) => run(client, args, options),
      ...clientOptions(options),
    });
  });
}

function nameOf(command: Command): string {
  const parent = command.parent;
  return parent?.parent == null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}
