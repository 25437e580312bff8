/**
 * The address of the server that runs on a data directory, in its `server.json`. It is written when the API answers, and removed when the
 * server stops. A file of a killed process is recognised, because its process is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../oci/error.ts';
import { processRuns, processStartToken } from '../embedded/process-info.ts';

export interface ServerAddresses {
  readonly apiUrl: string;
  readonly temporalUiUrl: string | undefined;
}

export interface FoundServer extends ServerAddresses {
  readonly pid: number;
}

interface ServerFile extends FoundServer {
  readonly startedAt: string;
  /** Distinguishes this process from a later one with the same id. */
  readonly startToken: string;
}

const healthTimeoutMs = 5_000;
const healthTries = 6;
const retryMs = 250;

/** Records that this process serves the data directory. */
export async function writeServerFile(dataDir: string, addresses: ServerAddresses): Promise<void> {
  const { pid } = process;
  const file: ServerFile = {
    ...addresses,
    pid,
    startedAt: new Date().toISOString(),
    startToken: (await processStartToken(pid)) ?? '',
  };
  const temporary = join(dataDir, `.server-${pid}.json`);
  await writeFile(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, pathOf(dataDir));
}

/** Removes the record, unless another process has replaced it. */
export async function removeServerFile(dataDir: string): Promise<void> {
  if ((await readServerFile(dataDir))?.pid === process.pid) await rm(pathOf(dataDir), { force: true });
}

/**
 * The server that runs on the data directory; undefined if there is none. A slow server is asked again, because a second stack on the same
 * folder would stop the servers of the first.
 * @throws TidemarkError `SERVER_UNREACHABLE` for a running process that does not answer.
 */
export async function findRunningServer(dataDir: string): Promise<FoundServer | undefined> {
  const file = await readServerFile(dataDir);
  if (file === undefined) return undefined;
  const { apiUrl, temporalUiUrl, pid } = file;
  for (let tries = 0; tries < healthTries; tries += 1) {
    if (!(await processRuns(pid)) || ((await processStartToken(pid)) ?? '') !== file.startToken)
      return undefined;
    if (await isHealthy(apiUrl)) return { apiUrl, temporalUiUrl, pid };
    // It may be stopping and have removed its file.
    if ((await readServerFile(dataDir)) === undefined) return undefined;
    await sleep(retryMs);
  }
  throw new TidemarkError(
    'SERVER_UNREACHABLE',
    `A server with the process id ${pid} runs on ${dataDir}, and does not answer at ${apiUrl}. Wait until it is less busy, or end that process.`,
    { origin: 'server' },
  );
}

async function isHealthy(apiUrl: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/healthz', apiUrl), {
      signal: AbortSignal.timeout(healthTimeoutMs),
      redirect: 'error',
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function readServerFile(dataDir: string): Promise<ServerFile | undefined> {
  try {
    const file = JSON.parse(await readFile(pathOf(dataDir), 'utf8')) as Partial<ServerFile>;
    const { apiUrl, temporalUiUrl, pid, startedAt = '', startToken } = file;
    if (typeof apiUrl !== 'string' || !URL.canParse(apiUrl)) return undefined;
    if (typeof pid !== 'number' || typeof startToken !== 'string') return undefined;
    return { apiUrl, temporalUiUrl, pid, startedAt, startToken };
  } catch {
    return undefined;
  }
}

function pathOf(dataDir: string): string {
  return join(dataDir, 'server.json');
}
