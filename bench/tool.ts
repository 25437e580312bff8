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

/** The longest that a peer's sync may take: some peers need many minutes where others need seconds. */
export const limitSeconds = 60;

export interface CommandOptions {
  /** Where it looks for settings, and finds none. */
  readonly home: string;
  readonly input?: string;
  /** File of the certificate authorities that it trusts, where it is a program in Go. */
  readonly authorities?: string;
  readonly limitSeconds?: number;
}

/** Times a command from its start to its end. */
export async function timeCommand(
  [command, ...args]: readonly [string, ...string[]],
  options: CommandOptions,
): Promise<CommandCost> {
  const log = join(options.home, 'command.log');
  const limit = String(options.limitSeconds ?? limitSeconds);
  try {
    return (await runTool(['exec', log, limit, command, ...args], options)) as CommandCost;
  } catch (error) {
    const said = await readFile(log, 'utf8').catch(() => '');
    throw new Error(`${command} ${args.join(' ')} failed: ${said.slice(-2_000)}`, { cause: error });
  }
}

export interface Load {
  readonly seconds: number;
  readonly requests: number;
  readonly bytes: number;
  /** 99 of 100 requests took no longer. */
  readonly p99Seconds: number;
}

/** So many clients ask for the URLs in turn until so many requests are answered, no faster than `perSecond` of them all together. */
export async function loadUrls(
  urls: readonly string[],
  {
    clients,
    requests,
    perSecond,
    method = 'GET',
  }: {
    readonly clients: number;
    readonly requests: number;
    readonly perSecond?: number;
    readonly method?: 'GET' | 'HEAD';
  },
): Promise<Load> {
  const pace = perSecond === undefined ? [] : [String(perSecond)];
  const home = await mkdtemp(join(tmpdir(), 'tidemark-bench-load-'));
  try {
    return (await runTool(['load', method, String(clients), String(requests), ...pace], {
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

export interface Proxy {
  readonly url: string;
  readonly host: string;
  stop(): Promise<void>;
}

/** A proxy before `host` that lets so many bytes a second through each connection. */
export async function startSlowProxy(host: string, bytesPerSecond: number): Promise<Proxy> {
  return startProxy(['throttle', host, String(bytesPerSecond)]);
}

export interface Line {
  readonly roundTripMs: number;
  /** A second, in each direction; 0: no limit. */
  readonly megabits: number;
}

/** A proxy before `host` that stands for a long line; bench/tool/line.go has the model. */
export async function startLine(host: string, { roundTripMs, megabits }: Line): Promise<Proxy> {
  return startProxy(['line', host, String(roundTripMs), String(megabits)]);
}

async function startProxy(args: readonly string[]): Promise<Proxy> {
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  // it must not outlive a run that fails
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const host = String(JSON.parse(line));
  return {
    url: `http://${host}`,
    host,
    async stop() {
      process.off('exit', end);
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export interface CertificateFiles {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** A new certificate authority, and a certificate of it for 127.0.0.1. */
export async function makeCertificates(folder: string): Promise<CertificateFiles> {
  await runTool(['certificates', folder], { home: folder });
  return {
    authority: join(folder, 'ca.pem'),
    certificate: join(folder, 'server.pem'),
    key: join(folder, 'server.key'),
  };
}

async function runTool(
  args: readonly string[],
  { home, input, authorities }: Pick<CommandOptions, 'home' | 'input' | 'authorities'>,
): Promise<unknown> {
  const trust = authorities === undefined ? {} : { SSL_CERT_FILE: authorities };
  const child = spawn(tool, args, {
    env: { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: home, ...trust },
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
