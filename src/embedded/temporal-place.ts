/** The addresses of the embedded Temporal, and the arguments that state them. */
import { readFile } from 'node:fs/promises';
import { searchAttributeNames } from '../workflows/search-attributes.ts';
import { freePort, formerPort } from './server-process.ts';
import { hiddenAddress } from './temporal-ui.ts';

export interface TemporalPlace {
  /** The port of gRPC. */
  readonly port: number;
  readonly uiPort: number;
  /** The address of the UI, which accepts any Host: see temporal-ui.ts. */
  readonly uiIp: string;
}

/** The place of the last start, if its ports become free; else a new one. */
export async function choosePlace(file: string, preferredPort: number | undefined): Promise<TemporalPlace> {
  const former = await readPlace(file);
  if (former === undefined)
    return { port: await freePort(preferredPort), uiPort: await freePort(), uiIp: hiddenAddress() };
  return { ...former, port: await formerPort(former.port), uiPort: await formerPort(former.uiPort) };
}

async function readPlace(file: string): Promise<TemporalPlace | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<TemporalPlace>;
    return typeof value.port === 'number' && typeof value.uiPort === 'number'
      ? { port: value.port, uiPort: value.uiPort, uiIp: value.uiIp ?? hiddenAddress() }
      : undefined;
  } catch {
    return undefined;
  }
}

export function serverArguments(database: string, place: TemporalPlace, namespace: string): string[] {
  const flags = {
    'db-filename': database,
    ip: '127.0.0.1',
    port: place.port,
    'ui-ip': place.uiIp,
    'ui-port': place.uiPort,
    namespace,
    'log-level': 'warn',
    'log-format': 'json',
  };
  // As durable as the default, with fewer writes to the disk for each request (bench/NOTES.md).
  const pragma = 'journal_mode=wal';
  // The default polls for tasks 20 times a second, and each step of a workflow waits for that (docs/design.md).
  const polling = ['history.transferProcessorMaxPollRPS=2000', 'history.timerProcessorMaxPollRPS=2000'];
  return [
    'server',
    'start-dev',
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    '--sqlite-pragma',
    pragma,
    ...polling.flatMap((value) => ['--dynamic-config-value', value]),
    ...Object.values(searchAttributeNames).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
}

/** The place in the arguments of a running server. */
export function placeOf(args: readonly string[]): TemporalPlace | undefined {
  const after = (flag: string) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const place = {
    port: Number(after('--port')),
    uiPort: Number(after('--ui-port')),
    uiIp: after('--ui-ip') ?? '127.0.0.1',
  };
  return Number.isInteger(place.port) && Number.isInteger(place.uiPort) ? place : undefined;
}

export function addressesOf({ port, uiIp, uiPort }: TemporalPlace): { address: string; uiUrl: string } {
  return { address: `127.0.0.1:${port}`, uiUrl: `http://${uiIp}:${uiPort}` };
}
