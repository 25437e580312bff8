/** The embedded servers; each runs only if the environment names no other. */
import { keepRunning } from './keep-running.ts';
import { findTemporal } from './temporal-binary.ts';
import { startPostgres } from './postgres.ts';
import { startTemporal } from './temporal.ts';
import { openUiDoor } from './temporal-ui.ts';

export interface EmbeddedSettings {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly databaseUrl?: string | undefined;
  readonly temporalAddress?: string | undefined;
  readonly temporalNamespace: string;
  readonly temporalUiUrl?: string | undefined;
}

export interface RunningServers {
  /** May contain a password; must not be printed. */
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  /** Undefined for another Temporal server whose UI is not configured. */
  readonly temporalUiUrl: string | undefined;
  /** Releases the servers. Safe to call twice. */
  stop(): Promise<void>;
}

/** Temporal's default ports. */
const TEMPORAL_PORTS = { port: 7233, uiPort: 8233 };

/** Starts PostgreSQL and Temporal concurrently, and restarts them when they end. If one start fails, the other server is stopped. */
export async function startEmbedded(
  settings: EmbeddedSettings,
  log: (message: string) => void,
  signal?: AbortSignal,
): Promise<RunningServers> {
  const abort = new AbortController();
  const either = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]);
  const stopOther = (error: unknown): never => {
    abort.abort(error);
    throw error;
  };
  const [postgres, temporal] = await Promise.allSettled([
    startDatabase(settings, log, either).catch(stopOther),
    startEngine(settings, log, either).catch(stopOther),
  ]);
  const stop = async (): Promise<void> => {
    const stops = [postgres, temporal].map(async (one) => {
      if (one.status === 'fulfilled') await one.value.stop();
    });
    const failure = (await Promise.allSettled(stops)).find((one) => one.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  };
  if (postgres.status === 'rejected' || temporal.status === 'rejected') {
    await stop();
    throw abort.signal.reason;
  }
  return {
    databaseUrl: postgres.value.url,
    temporalAddress: temporal.value.address,
    temporalUiUrl: temporal.value.uiUrl,
    stop,
  };
}

/** `url` may contain a password. */
export interface RunningDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts or adopts PostgreSQL alone, unless the settings name another. */
export async function startDatabase(
  { databaseUrl, dataDir }: Pick<EmbeddedSettings, 'databaseUrl' | 'dataDir'>,
  log: (message: string) => void,
  signal: AbortSignal,
): Promise<RunningDatabase> {
  if (databaseUrl !== undefined) return { url: databaseUrl, stop: nothingToStop };
  const start = (until: AbortSignal) => startPostgres({ dataDir, log, signal: until });
  const first = await start(signal);
  return { url: first.url, stop: keepRunning(first, { name: 'PostgreSQL', start, log }) };
}

interface Engine {
  readonly address: string;
  readonly uiUrl: string | undefined;
  stop(): Promise<void>;
}

async function startEngine(
  settings: EmbeddedSettings,
  log: (message: string) => void,
  signal: AbortSignal,
): Promise<Engine> {
  if (settings.temporalAddress !== undefined) {
    return { address: settings.temporalAddress, uiUrl: settings.temporalUiUrl, stop: nothingToStop };
  }
  const binary = await findTemporal({ cacheDir: settings.cacheDir, log, signal });
  let uiUrl = '';
  const start = async (until: AbortSignal) => {
    const running = await startTemporal({
      dataDir: settings.dataDir,
      binary,
      log,
      signal: until,
      namespace: settings.temporalNamespace,
      preferredPort: TEMPORAL_PORTS.port,
    });
    ({ uiUrl } = running);
    return running;
  };
  const first = await start(signal);
  const stop = keepRunning(first, { name: 'Temporal', start, log });
  try {
    const door = await openUiDoor(() => uiUrl, TEMPORAL_PORTS.uiPort);
    return {
      address: first.address,
      uiUrl: door.url,
      async stop() {
        await door.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function nothingToStop(): Promise<void> {}
