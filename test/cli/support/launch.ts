/** The program as people run it, from dist/: `npm test` builds it first. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Launcher = Awaited<ReturnType<typeof openLauncher>>;

/** Runs the program on a data folder of its own. */
export async function openLauncher() {
  if (!existsSync(program)) throw new Error('dist/main.js is not there: run npm run build');
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-cli-'));
  const running = new Set<ChildProcess>();

  /** Starts the program; `says` waits for a text on either output. */
  function launch(...args: string[]) {
    const { PATH, HOME, TIDEMARK_CACHE, XDG_CACHE_HOME } = process.env;
    const settings = {
      PATH,
      HOME,
      TIDEMARK_CACHE,
      XDG_CACHE_HOME,
      TIDEMARK_DATA: dataDir,
      TIDEMARK_PORT: '0',
    };
    const env = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    const ended = once(child, 'close').then(([code]): Ended => {
      running.delete(child);
      return { code: code as number | null, ...output };
    });
    const says = async (text: string): Promise<void> => {
      while (!`${output.stdout}${output.stderr}`.includes(text)) {
        if (!running.has(child)) throw new Error(`ended without saying "${text}": ${JSON.stringify(output)}`);
        const listening = new AbortController();
        const { signal } = listening;
        const more = [once(child.stdout, 'data', { signal }), once(child.stderr, 'data', { signal })];
        await Promise.race([...more, ended]);
        listening.abort();
        await Promise.allSettled(more);
      }
    };
    return { child, says, ended };
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
      for (const child of running) child.kill('SIGTERM');
      await Promise.all([...running].map((child) => once(child, 'exit')));
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
