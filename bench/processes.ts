/** What Linux says of processes while they run: processor time and memory. */
import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { readPostmaster } from '../src/embedded/postgres-cluster.ts';
import { processesWithArgument } from '../src/embedded/process-info.ts';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** The processes of one embedded stack. */
export interface StackProcesses {
  /** API and worker in one. */
  readonly main: number;
  readonly temporal: number | undefined;
  readonly postmaster: number | undefined;
}

/** `host:port` of the embedded Temporal, as its own arguments say. */
export async function findTemporalAddress(dataDir: string): Promise<string> {
  const [server] = await processesWithArgument(join(dataDir, 'temporal', 'temporal.db'));
  if (server === undefined) throw new Error('The embedded Temporal does not run.');
  return `127.0.0.1:${server.args[server.args.indexOf('--port') + 1]}`;
}

export async function findStackProcesses(dataDir: string, main: number): Promise<StackProcesses> {
  const temporal = await processesWithArgument(join(dataDir, 'temporal', 'temporal.db'));
  const postmaster = await readPostmaster(join(dataDir, 'postgres', 'cluster'));
  return { main, temporal: temporal[0]?.pid, postmaster: postmaster?.pid };
}

const ticksPerSecond = 100;

/** Processor seconds so far. */
export interface CpuSeconds {
  readonly stack: number;
  /** The part of PostgreSQL's processes. */
  readonly postgres: number;
}

/** What ended backends used is the postmaster's by then. */
export async function cpuSeconds({ main, temporal, postmaster }: StackProcesses): Promise<CpuSeconds> {
  const backends = postmaster === undefined ? [] : [postmaster, ...(await childrenOf(postmaster))];
  const seconds = async (pids: readonly (number | undefined)[]): Promise<number> => {
    const ticks = pids.map(async (pid) => (pid === undefined ? 0 : cpuTicks(pid, pid === postmaster)));
    return (await Promise.all(ticks)).reduce((sum, one) => sum + one, 0) / ticksPerSecond;
  };
  const postgres = await seconds(backends);
  return { stack: postgres + (await seconds([main, temporal])), postgres };
}

/** Processor seconds since `before`. */
export async function cpuSecondsSince(processes: StackProcesses, before: CpuSeconds): Promise<CpuSeconds> {
  const now = await cpuSeconds(processes);
  return { stack: now.stack - before.stack, postgres: now.postgres - before.postgres };
}

async function cpuTicks(pid: number, withEnded: boolean): Promise<number> {
  const fields = await statFields(pid);
  const ended = withEnded ? Number(fields[13] ?? 0) + Number(fields[14] ?? 0) : 0;
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0) + ended;
}

export interface MemoryPeaks {
  /** VmHWM: what the kernel saw as the most, however short. */
  readonly main: number;
  /** Looked at ten times a second; pages that PostgreSQL's processes share are counted once. */
  readonly stack: number;
}

/** Watches the memory of a stack until it is asked for the peaks. */
export function watchMemory(processes: StackProcesses): { stop(): Promise<MemoryPeaks> } {
  const ending = new AbortController();
  const looking = lookUntil(processes, ending.signal);
  return {
    async stop() {
      ending.abort();
      const stack = await looking;
      const main = await peakBytes(processes.main);
      return { main, stack: Math.max(stack, main) };
    },
  };
}

async function lookUntil(processes: StackProcesses, ended: AbortSignal): Promise<number> {
  await writeFile(`/proc/${processes.main}/clear_refs`, '5');
  let most = 0;
  while (!ended.aborted) {
    most = Math.max(most, await stackBytes(processes));
    await sleep(100);
  }
  return most;
}

/** The most memory that the process has had since it was started, or since its record was reset. */
export async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

/** Memory of the whole stack now. */
export async function stackBytes({ main, temporal, postmaster }: StackProcesses): Promise<number> {
  const backends = postmaster === undefined ? [] : [postmaster, ...(await childrenOf(postmaster))];
  const [one, two, ...postgres] = await Promise.all([main, temporal, ...backends].map(readPages));
  const shared = Math.max(0, ...postgres.map((pages) => pages.shared));
  const own = postgres.reduce((sum, pages) => sum + pages.resident - pages.shared, 0);
  return (one?.resident ?? 0) + (two?.resident ?? 0) + own + shared;
}

const pageBytes = 4096;

async function readPages(pid: number | undefined): Promise<{ resident: number; shared: number }> {
  const text = pid === undefined ? '' : await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '');
  const [, resident = 0, shared = 0] = text.split(' ').map((pages) => Number(pages) * pageBytes);
  return { resident, shared };
}

/** Fields of /proc/<pid>/stat after the name, so that field 14 of the manual, utime, is at 11. */
async function statFields(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

/** What others have written goes to the disk now, not while the next one is measured. */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync');
}
