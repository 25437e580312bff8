import type { Config } from '../config.ts';
import type { Interrupt } from './progress/interrupt.ts';
import type { Terminal } from './progress/terminal.ts';

/** What every command works with. */
export interface Surroundings {
  readonly config: Config;
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
}

/** How a command reaches a server. */
export interface ServerOptions {
  readonly server?: string;
  /** Path of a file that holds the token to log in with. */
  readonly tokenFile?: string;
}
