/** The embedded Temporal: the real server with a database file. A server that already runs on the file is adopted. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { TidemarkError } from '../oci/error.ts';
import { useServer } from './owner.ts';
import { processesWithArgument } from './process-info.ts';
import type { RunningProcess } from './process-info.ts';
import { endProcess, lastLines, makeFolder, portAnswers, spawnDetached } from './server-process.ts';
import { addressesOf, choosePlace, placeOf, serverArguments } from './temporal-place.ts';

const START_TIMEOUT_MS = 60_000;
const ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

export interface StartTemporalOptions {
  /** Tidemark's data folder. Temporal uses `temporal/` in it. */
  readonly dataDir: string;
  /** The `temporal` program, from `findTemporal`. */
  readonly binary: string;
  readonly log: (message: string) => void;
  readonly signal?: AbortSignal;
  /** The required namespace; default `default`. */
  readonly namespace?: string;
  /** The port of the first start, if it is free; default any. Later starts prefer the ports of the last one. */
  readonly preferredPort?: number;
}

export interface RunningTemporal {
  /** `host:port` of gRPC. */
  readonly address: string;
  /** The UI's own URL, which is not shown to people: see temporal-ui.ts. */
  readonly uiUrl: string;
  readonly pid: number;
  /** Whether it was running already. */
  readonly adopted: boolean;
  /** Releases the server, and stops it if no other live process uses it. Safe to call twice. */
  stop(): Promise<void>;
}

interface TemporalPaths {
  readonly database: string;
  readonly ports: string;
  readonly log: string;
  readonly users: string;
  readonly lock: string;
}

/** Starts or adopts the server; ready when the namespace answers. Throws `EMBEDDED_TEMPORAL_FAILED`, origin `server`. */
export async function startTemporal(options: StartTemporalOptions): Promise<RunningTemporal> {
  const { signal, log } = options;
  signal?.throwIfAborted();
  const paths = await preparePaths(options.dataDir);
  return useServer<Started>(paths, signal, {
    async start() {
      const running = (await adopt(paths, options)) ?? (await startServer(paths, options));
      log(`Temporal ready on ${running.address}${running.adopted ? ' (adopted)' : ''}`);
      return running;
    },
    async end() {
      const found = await findServer(paths);
      if (found !== undefined) await endServer(found.pid);
    },
  });
}

async function preparePaths(dataDir: string): Promise<TemporalPaths> {
  // The real path: the server is found by this path in its arguments.
  const folder = await makeFolder(join(resolve(dataDir), 'temporal'), 0o700);
  return {
    database: join(folder, 'temporal.db'),
    ports: join(folder, 'ports.json'),
    log: join(folder, 'server.log'),
    users: join(folder, 'users'),
    lock: join(folder, 'lock'),
  };
}

type Started = Omit<RunningTemporal, 'stop'>;

/**
 * The server on this database file. Its arguments state its ports, so no file of a killed process is trusted. A server that does not answer in
 * time is ended: two servers must not share the file.
 */
async function adopt(paths: TemporalPaths, options: StartTemporalOptions): Promise<Started | undefined> {
  const found = await findServer(paths);
  if (found === undefined) return undefined;
  const place = placeOf(found.args);
  const ready = place !== undefined && (await waitUntilReady(found.pid, place.port, paths, options));
  if (ready) return { ...addressesOf(place), pid: found.pid, adopted: true };
  await endServer(found.pid);
  return undefined;
}

async function startServer(paths: TemporalPaths, options: StartTemporalOptions): Promise<Started> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    options.signal?.throwIfAborted();
    const place = await choosePlace(paths.ports, options.preferredPort);
    const child = await spawnDetached({
      command: options.binary,
      args: serverArguments(paths.database, place, options.namespace ?? 'default'),
      env: environmentForServer(),
      logFile: paths.log,
    });
    if (child.pid === undefined) continue;
    if (await waitUntilReady(child.pid, place.port, paths, options)) {
      await writeFile(paths.ports, `${JSON.stringify(place)}\n`);
      return { ...addressesOf(place), pid: child.pid, adopted: false };
    }
    await endServer(child.pid);
  }
  throw new TidemarkError(
    'EMBEDDED_TEMPORAL_FAILED',
    `The embedded Temporal server did not start in ${ATTEMPTS} attempts. The end of its log, ${paths.log}:\n` +
      `${await lastLines(paths.log)}\nFix the problem reported above, or set TEMPORAL_ADDRESS to a Temporal server of your own.`,
    { origin: 'server' },
  );
}

/** Without the settings of Temporal's command line, which are meant for its client. */
function environmentForServer(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/** False if the process ends or the time expires before the namespace answers. */
async function waitUntilReady(
  pid: number,
  port: number,
  paths: TemporalPaths,
  options: StartTemporalOptions,
): Promise<boolean> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while ((await findServer(paths))?.pid === pid && performance.now() < deadline) {
    if ((await portAnswers(port)) && (await namespaceAnswers(port, options.namespace ?? 'default')))
      return true;
    if (options.signal?.aborted === true) {
      await endServer(pid);
      options.signal.throwIfAborted();
    }
    await sleep(POLL_MS);
  }
  return false;
}

async function namespaceAnswers(port: number, namespace: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({
      address: `127.0.0.1:${port}`,
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    try {
      const deadline = Date.now() + CONNECT_TIMEOUT_MS;
      await connection.withDeadline(deadline, () =>
        connection.workflowService.describeNamespace({ namespace }),
      );
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

/** The database file survives both signals: SQLite writes through a log. */
async function endServer(pid: number): Promise<void> {
  await endProcess(pid, [
    { signal: 'SIGTERM', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}

async function findServer(paths: TemporalPaths): Promise<RunningProcess | undefined> {
  return (await processesWithArgument(paths.database)).find(({ args }) => args.includes('start-dev'));
}
