/**
 * Facts of the operating system about processes. They distinguish a server of a killed run from another program with the same process id. Linux
 * has /proc; other systems use `ps` and `lsof`.
 */
import { execFile } from 'node:child_process';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const hasProc = process.platform === 'linux';
const COMMAND_TIMEOUT_MS = 5_000;

export interface RunningProcess {
  readonly pid: number;
  /** The program and its arguments. Outside Linux they are split at spaces. */
  readonly args: readonly string[];
}

/** Whether the process runs; a zombie does not. */
export async function processRuns(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (!hasProc) return true;
  const fields = await readStatFields(pid);
  return fields !== undefined && fields[0] !== 'Z' && fields[0] !== 'X';
}

/** Distinguishes processes with the same id at different times; undefined if the process is gone. */
export async function processStartToken(pid: number): Promise<string | undefined> {
  if (hasProc) return (await readStatFields(pid))?.[19];
  const started = await runQuietly('ps', ['-o', 'lstart=', '-p', String(pid)]);
  return started?.trim() || undefined;
}

/** The working directory of a process; undefined if it is gone or inaccessible. */
export async function workingDirectory(pid: number): Promise<string | undefined> {
  if (hasProc) return readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  const listed = await runQuietly('lsof', ['-a', '-p', String(pid), '-d', 'cwd', '-Fn']);
  return listed
    ?.split('\n')
    .find((line) => line.startsWith('n'))
    ?.slice(1);
}

/** All processes with this argument. */
export async function processesWithArgument(argument: string): Promise<RunningProcess[]> {
  if (hasProc) return (await readProc()).filter(({ args }) => args.includes(argument));
  return (await readPs()).filter(({ args }) => args.join(' ').includes(argument));
}

async function readProc(): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, args: text.split('\0') };
    }),
  );
}

async function readPs(): Promise<RunningProcess[]> {
  const text = (await runQuietly('ps', ['-axww', '-o', 'pid=,command='])) ?? '';
  return text.split('\n').flatMap((line) => {
    const [pid, ...args] = line.trim().split(/\s+/);
    return pid === undefined || pid === '' ? [] : [{ pid: Number(pid), args }];
  });
}

/** The fields after the program's name, which may contain spaces and brackets: [0] is the state, [19] the start time. */
async function readStatFields(pid: number): Promise<string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

async function runQuietly(command: string, args: string[]): Promise<string | undefined> {
  try {
    return (await run(command, args, { timeout: COMMAND_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch {
    return undefined;
  }
}
