/**
 * The embedded Temporal: the real server with a database file, started when none runs on that file already, adopted
 * when one does or when a killed process left it running.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { TidemarkError } from '../oci/error.ts';
import { countUsers, registerUser, withProcessLock } from './owner.ts';
import { processesWithArgument } from './process-info.ts';
import type { RunningProcess } from './process-info.ts';
import { hiddenAddress } from './temporal-ui.ts';
import {
  endProcess,
  formerPort,
  freePort,
  lastLines,
  makeFolder,
  portAnswers,
  spawnDetached,
} from './server-process.ts';

const START_TIMEOUT_MS = 60_000;
const ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

interface Ports {
  /** Of gRPC. */
  readonly port: number;
  readonly uiPort: number;
}

interface Place extends Ports {
  /** Of the UI, which checks no Host: see temporal-ui.ts. */
  readonly uiIp: string;
}

export interface StartTemporalOptions {
  /** Tidemark's data folder; Temporal lives in `temporal/` below it. */
  readonly dataDir: string;
  /** The `temporal` program, as `findTemporal` answers it. */
  readonly binary: string;
  readonly log: (message: string) => void;
  readonly signal?: AbortSignal;
  /** The namespace that has to be there; default `default`. */
  readonly namespace?: string;
  /** The port to take at the first start, when it is free; default any. Later starts prefer those of the last. */
  readonly preferredPort?: number;
}

export interface RunningTemporal {
  /** `host:port` of its gRPC. */
  readonly address: string;
  /** Where the UI listens; people are given the address of its door. */
  readonly uiUrl: string;
  readonly pid: number;
  /** Whether it ran before. */
  readonly adopted: boolean;
  /** Gives the server up, and stops it when no other live process uses it. Safe to call twice. */
  stop(): Promise<void>;
}

interface TemporalPaths {
  readonly folder: string;
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
  return withProcessLock(paths.lock, signal, async () => {
    const unregister = await registerUser(paths.users);
    try {
      const running = (await adopt(paths, options)) ?? (await startServer(paths, options));
      log(`Temporal ready on ${running.address}${running.adopted ? ' (adopted)' : ''}`);
      return { ...running, stop: () => release(paths, unregister) };
    } catch (error) {
      await unregister();
      throw error;
    }
  });
}

async function preparePaths(dataDir: string): Promise<TemporalPaths> {
  // The path stands in the server's arguments, by which it is found again: one spelling for one folder.
  const folder = await makeFolder(join(resolve(dataDir), 'temporal'), 0o700);
  return {
    folder,
    database: join(folder, 'temporal.db'),
    ports: join(folder, 'ports.json'),
    log: join(folder, 'server.log'),
    users: join(folder, 'users'),
    lock: join(folder, 'lock'),
  };
}

type Started = Omit<RunningTemporal, 'stop'>;

/**
 * The server that runs on this database file. Its own arguments say its ports, so nothing written by a killed process
 * has to be trusted. One that runs and does not answer in time is ended: two servers must not share the file.
 */
async function adopt(paths: TemporalPaths, options: StartTemporalOptions): Promise<Started | undefined> {
  const found = await findServer(paths);
  if (found === undefined) return undefined;
  const ports = portsOf(found);
  const ready = ports !== undefined && (await waitUntilReady(found.pid, ports, paths, options));
  if (ready) return { ...describe(ports), pid: found.pid, adopted: true };
  await endServer(found.pid);
  return undefined;
}

async function startServer(paths: TemporalPaths, options: StartTemporalOptions): Promise<Started> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    options.signal?.throwIfAborted();
    const ports = await choosePorts(paths, options.preferredPort);
    const child = await spawnDetached({
      command: options.binary,
      args: serverArguments(paths, ports, options.namespace),
      env: environmentForServer(),
      logFile: paths.log,
    });
    if (child.pid === undefined) continue;
    if (await waitUntilReady(child.pid, ports, paths, options)) {
      await writeFile(paths.ports, `${JSON.stringify(ports)}\n`);
      return { ...describe(ports), pid: child.pid, adopted: false };
    }
    await endServer(child.pid);
  }
  throw new TidemarkError(
    'EMBEDDED_TEMPORAL_FAILED',
    `The embedded Temporal server did not start in ${ATTEMPTS} attempts. The end of its log, ${paths.log}:\n` +
      `${await lastLines(paths.log)}\nPut right what it names, or set TEMPORAL_ADDRESS to a Temporal server of your own.`,
    { origin: 'server' },
  );
}

async function choosePorts(paths: TemporalPaths, preferredPort: number | undefined): Promise<Place> {
  const former = await readPorts(paths);
  if (former)
    return {
      port: await formerPort(former.port),
      uiPort: await formerPort(former.uiPort),
      uiIp: former.uiIp,
    };
  return { port: await freePort(preferredPort), uiPort: await freePort(), uiIp: hiddenAddress() };
}

function serverArguments(paths: TemporalPaths, ports: Place, namespace = 'default'): string[] {
  const flags = {
    'db-filename': paths.database,
    ip: '127.0.0.1',
    port: ports.port,
    'ui-ip': ports.uiIp,
    'ui-port': ports.uiPort,
    namespace,
    'log-level': 'warn',
    'log-format': 'json',
  };
  // By default it looks for new tasks 20 times a second, which each step of a workflow then waits for (docs/design.md).
  const polling = ['history.transferProcessorMaxPollRPS=2000', 'history.timerProcessorMaxPollRPS=2000'];
  return [
    'server',
    'start-dev',
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...polling.flatMap((value) => ['--dynamic-config-value', value]),
  ];
}

/** Without the settings of Temporal's command line tool, which are meant for its client. */
function environmentForServer(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/** False when the process ended, or the time was up, before the namespace answered. */
async function waitUntilReady(
  pid: number,
  ports: Ports,
  paths: TemporalPaths,
  options: StartTemporalOptions,
): Promise<boolean> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while ((await findServer(paths))?.pid === pid && performance.now() < deadline) {
    if ((await portAnswers(ports.port)) && (await namespaceAnswers(ports, options.namespace ?? 'default')))
      return true;
    if (options.signal?.aborted === true) {
      await endServer(pid);
      options.signal.throwIfAborted();
    }
    await sleep(POLL_MS);
  }
  return false;
}

async function namespaceAnswers(ports: Ports, namespace: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({
      address: `127.0.0.1:${ports.port}`,
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

async function release(paths: TemporalPaths, unregister: () => Promise<void>): Promise<void> {
  await withProcessLock(paths.lock, undefined, async () => {
    await unregister();
    if ((await countUsers(paths.users)) > 0) return;
    const found = await findServer(paths);
    if (found !== undefined) await endServer(found.pid);
  });
}

/** Its database file survives each of these signals: SQLite writes through a log. */
async function endServer(pid: number): Promise<void> {
  await endProcess(pid, [
    { signal: 'SIGTERM', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}

async function findServer(paths: TemporalPaths): Promise<RunningProcess | undefined> {
  return (await processesWithArgument(paths.database)).find(({ args }) => args.includes('start-dev'));
}

function portsOf({ args }: RunningProcess): Place | undefined {
  const after = (flag: string): number => Number(args[args.indexOf(flag) + 1]);
  const uiIp = args.includes('--ui-ip') ? (args[args.indexOf('--ui-ip') + 1] ?? '') : '127.0.0.1';
  const ports = { port: after('--port'), uiPort: after('--ui-port'), uiIp };
  return Number.isInteger(ports.port) && Number.isInteger(ports.uiPort) ? ports : undefined;
}

function describe(ports: Place): { address: string; uiUrl: string } {
  return { address: `127.0.0.1:${ports.port}`, uiUrl: `http://${ports.uiIp}:${ports.uiPort}` };
}

async function readPorts(paths: TemporalPaths): Promise<Place | undefined> {
  try {
    const value = JSON.parse(await readFile(paths.ports, 'utf8')) as Partial<Place>;
    return typeof value.port === 'number' && typeof value.uiPort === 'number'
      ? { port: value.port, uiPort: value.uiPort, uiIp: value.uiIp ?? hiddenAddress() }
      : undefined;
  } catch {
    return undefined;
  }
}
