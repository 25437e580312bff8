/** Runs the modes of bench/tool, a Go program that scripts/install-peers.sh --bench builds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../src/config.ts';

const tool = join(cacheFolder(process.env), 'peers', 'bin', 'bench-tool');

export interface CommandCost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** It was killed after `limitSeconds`. */
  readonly isStopped: boolean;
}

/** The longest that a command may take: some peers need many minutes where others need seconds. */
export const limitSeconds = 60;

/** Times a command from its start to its end. `home` is where it looks for settings, and finds none. */
export async function timeCommand(
  [command, ...args]: readonly [string, ...string[]],
  options: { readonly home: string; readonly input?: string },
): Promise<CommandCost> {
  const log = join(options.home, 'command.log');
  try {
    return (await runTool(['exec', log, String(limitSeconds), command, ...args], options)) as CommandCost;
  } catch (error) {
    const said = await readFile(log, 'utf8').catch(() => '');
    throw new Error(`${command} ${args.join(' ')} failed: ${said.slice(-2_000)}`, { cause: error });
  }
}

export interface Load {
  readonly seconds: number;
  readonly requests: number;
  readonly bytes: number;
}

/** So many clients ask for the URLs in turn until so many requests are answered, no faster than `perSecond` of them all together. */
export async function loadUrls(
  urls: readonly string[],
  {
    clients,
    requests,
    perSecond,
  }: { readonly clients: number; readonly requests: number; readonly perSecond?: number },
): Promise<Load> {
  const pace = perSecond === undefined ? [] : [String(perSecond)];
  const home = await mkdtemp(join(tmpdir(), 'tidemark-bench-load-'));
  try {
    return (await runTool(['load', String(clients), String(requests), ...pace], {
      home,
      input: urls.join('\n'),
    })) as Load;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** The command of the plainest downloader; it reads URLs from its standard input. */
export function getCommand(lanes: number, folder: string): [string, ...string[]] {
  return [tool, 'get', String(lanes), folder];
}

export interface SlowProxy {
  readonly url: string;
  stop(): Promise<void>;
}

/** A proxy before `host` that lets so many bytes a second through each connection. */
export async function startSlowProxy(host: string, bytesPerSecond: number): Promise<SlowProxy> {
  const child = spawn(tool, ['throttle', host, String(bytesPerSecond)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    url: `http://${String(JSON.parse(line))}`,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function runTool(
  args: readonly string[],
  { home, input }: { readonly home: string; readonly input?: string },
): Promise<unknown> {
  const child = spawn(tool, args, {
    env: { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: home },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.error += text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`bench-tool ${args[0]} ended with ${code}: ${output.error.slice(-1_000)}`);
  return JSON.parse(output.out);
}
