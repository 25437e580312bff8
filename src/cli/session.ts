import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TidemarkError } from '../oci/error.ts';
import type { ServerOptions, Surroundings } from './surroundings.ts';
import { usage } from './usage.ts';
import { findRunningServer } from '../processes/server-file.ts';
import { createConsoleLog } from './console-log.ts';
import { requestGraphql } from './graphql-client.ts';
import { trimTrailingSlashes } from '../oci/trim-ends.ts';

/** A server to work with: one that runs already, or one that was brought up for this command. */
export interface Session {
  apiUrl(): string;
  temporalUiUrl(): string | undefined;
  /** What to log in with, where anything was given. */
  token(): string | undefined;
  request<T>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<T>;
  /** After the server was lost: finds the one that runs now, or brings one up, so that the work goes on. */
  renew(): Promise<void>;
  /** Whether the server was brought up for this command. */
  isOwn(): boolean;
  /** Stops what this command brought up. */
  close(): Promise<void>;
}

interface Wanted {
  readonly config: Config;
  /** The address that the caller named; then no other server is used, and none is brought up. */
  readonly serverUrl: string | undefined;
  /** Whether a server is brought up where none runs. */
  readonly mayStart: boolean;
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Server {
  readonly apiUrl: string;
  readonly temporalUiUrl: string | undefined;
  stop(): Promise<void>;
}

export async function openSession(
  { config, terminal, interrupt }: Surroundings,
  given: ServerOptions,
  { mayStart }: { readonly mayStart: boolean },
): Promise<Session> {
  const token = given.tokenFile === undefined ? config.token : await readTokenFile(given.tokenFile);
  const wanted: Wanted = {
    config,
    serverUrl: given.server ?? config.serverUrl,
    mayStart,
    note: terminal.note,
    signal: interrupt.signal,
  };
  let server = await findServer(wanted);
  return {
    apiUrl: () => server.apiUrl,
    temporalUiUrl: () => server.temporalUiUrl,
    token: () => token,
    request: (query, variables = {}) => requestGraphql(server.apiUrl, { query, variables, token }),
    async renew() {
      if (wanted.serverUrl !== undefined || server.stop !== nothingToStop) return;
      // its successor may be starting
      await sleep(500);
      terminal.note('The connection to the server was lost. Looking for another server …');
      server = await findServer({ ...wanted, signal: new AbortController().signal });
    },
    isOwn: () => server.stop !== nothingToStop,
    close: () => server.stop(),
  };
}

const tokenMaxBytes = 16 * 1024;

/** A token from a file stands neither in the list of processes nor in the history of a shell. */
async function readTokenFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw usage(`--token-file names ${path}, which cannot be read.`, error);
  });
  const token = text.trim();
  if (token !== '' && token.length <= tokenMaxBytes && !/\s/.test(token)) return token;
  throw usage(`--token-file names ${path}. Expected a file that holds one token and nothing else.`);
}

async function findServer({ config, serverUrl, mayStart, note, signal }: Wanted): Promise<Server> {
  if (serverUrl !== undefined)
    return {
      apiUrl: baseUrl(serverUrl),
      temporalUiUrl: config.temporalUiUrl,
      stop: nothingToStop,
    };
  const running = await findRunningServer(config.dataDir);
  if (running !== undefined) return { ...running, stop: nothingToStop };
  if (!mayStart)
    throw new TidemarkError(
      'NO_SERVER',
      `No server runs on ${config.dataDir}. Start one with "tidemark start" (or "npm start"), or name one with TIDEMARK_SERVER or --server.`,
      { origin: 'caller' },
    );
  note(
    `No server runs on ${config.dataDir}. Starting PostgreSQL, Temporal, the API and a worker for this command …`,
  );
  // without a port that somebody chose: the usual one may be another program's, and nobody needs to know this one
  const isPortSet = (process.env['TIDEMARK_PORT'] ?? '').trim() !== '';
  return bringUp(isPortSet ? config : { ...config, port: 0 }, { note, signal });
}

/** The address of a server, also where the one of its GraphQL endpoint was pasted. */
function baseUrl(url: string): string {
  const bare = trimTrailingSlashes(url);
  return bare.endsWith('/graphql') ? trimTrailingSlashes(bare.slice(0, -'/graphql'.length)) : bare;
}

export interface BringUpOptions {
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Starts everything in this process. */
export async function bringUp(
  config: Config,
  { note, signal }: BringUpOptions,
): Promise<Server & { readonly stopped: Promise<void> }> {
  const { startServer } = await import('../processes/server.ts');
  const isLevelSet = (process.env['LOG_LEVEL'] ?? '').trim() !== '';
  const logger = createConsoleLog(isLevelSet ? config.logLevel : 'error', note);
  const server = await startServer(config, {
    roles: ['api', 'worker'],
    log: note,
    signal,
    logger,
  });
  const { apiUrl, temporalUiUrl, stopped } = server;
  if (apiUrl === undefined) throw new Error('the API role was asked for and has no address');
  return { apiUrl, temporalUiUrl, stopped, stop: () => server.stop() };
}

async function nothingToStop(): Promise<void> {
  // not ours
}
