import type { Config } from '../config.ts';

/** Which parts of Tidemark a process runs. */
export type Role = 'api' | 'worker';

export interface StartServerOptions {
  readonly roles: readonly Role[];
  /** One line for a person for each thing that happens while it starts. */
  readonly log: (message: string) => void;
  readonly signal?: AbortSignal;
}

export interface RunningServer {
  /** `http://127.0.0.1:4000`; undefined where the API role does not run. */
  readonly apiUrl: string | undefined;
  readonly temporalUiUrl: string | undefined;
  /** Rejects when a part stops by itself; resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Drains requests, hands activities back to Temporal, stops embedded servers. Safe to call twice. */
  stop(): Promise<void>;
}

/** Starts the parts named by `roles`, with embedded PostgreSQL and Temporal where the configuration names no others. */
export declare function startServer(config: Config, options: StartServerOptions): Promise<RunningServer>;
