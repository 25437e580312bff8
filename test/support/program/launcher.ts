/** The program as people run it, on a data folder of its own. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch as launchProgram } from './program.ts';
import type { Program } from './program.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Launcher = Awaited<ReturnType<typeof openLauncher>>;

export async function openLauncher() {
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-cli-'));
  const running = new Set<Program>();

  /** Starts the program; `says` waits for a text on either output. */
  function launch(...args: string[]): {
    readonly child: ChildProcess;
    says(text: string): Promise<void>;
    readonly ended: Promise<Ended>;
  } {
    const program = launchProgram(args, { TIDEMARK_DATA: dataDir, TIDEMARK_PORT: '0' });
    running.add(program);
    const ended = program.ended().then((code): Ended => {
      running.delete(program);
      return { code, stdout: program.stdout(), stderr: program.stderr() };
    });
    return { child: program.child, says: (text) => program.says(text), ended };
  }

  return {
    dataDir,
    launch,
    run: (...args: string[]) => launch(...args).ended,
    /** Runs a command that has to succeed; a failure shows what it said. */
    async succeed(...args: string[]): Promise<Ended> {
      const ended = await launch(...args).ended;
      if (ended.code !== 0) throw new Error(`tidemark ${args.join(' ')} failed: ${JSON.stringify(ended)}`);
      return ended;
    },
    async close(): Promise<void> {
      await Promise.all([...running].map((program) => program.end('SIGTERM')));
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
