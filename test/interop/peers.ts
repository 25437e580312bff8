/**
 * Real registries and clients: Debian's docker-registry, skopeo, GnuPG, Chromium, Docker, containerd and podman, and crane, regctl, oras and cosign from their Go modules.
 * client-files is our own: the code of clients that are not run.
 * scripts/install-peers.sh installs them.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder } from '../../src/config.ts';

export type PeerName =
  | 'docker-registry'
  | 'skopeo'
  | 'crane'
  | 'regctl'
  | 'oras'
  | 'regsync'
  | 'conformance'
  | 'versitygw'
  | 'cosign'
  | 'helm'
  | 'kubeconform'
  | 'client-files'
  | 'buildkitd'
  | 'buildx'
  | 'runc'
  | 'zot'
  | 'systemd-analyze'
  | 'gpg'
  | 'gpg-agent'
  | 'gpgconf'
  | 'chromium'
  | 'docker'
  | 'prometheus'
  | 'promtool'
  | 'otelcol'
  | 'dockerd'
  | 'containerd'
  | 'ctr'
  | 'podman';
/** Path of a peer's program: from scripts/install-peers.sh, else from the PATH; undefined where it is missing. */
export function findPeer(name: PeerName): string | undefined {
  const folders = [
    join(cacheFolder(process.env), 'peers', 'bin'),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}
/**
 * Whether tests that need these peers are to be skipped, with a line that says so. In CI they run and fail instead.
 */
export function skipWithout(...names: readonly PeerName[]): boolean {
  const missing = names.filter((name) => findPeer(name) === undefined);
  if (missing.length === 0) return false;
  if (process.env['CI'] !== undefined) return false;
  console.warn(`Skipped: ${missing.join(', ')} missing. To install: bash scripts/install-peers.sh`);
  return true;
}
export interface RealRegistry {
  readonly url: string;
  /** `127.0.0.1:<port>`, as clients name it. */
  readonly host: string;
  stop(): Promise<void>;
}
export type RegistryName = 'docker-registry' | 'crane';
/** A real registry on a free loopback port, empty, its storage gone when it stops. */
export async function startRegistry(name: RegistryName): Promise<RealRegistry> {
  return name === 'crane' ? startCraneRegistry() : startDockerRegistry();
}
export interface DockerRegistryOptions {
  /** A folder that may already have content, and stays; default: an empty one of its own. */
  readonly storage?: string;
  /** Files in PEM. Without them it serves plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** It is a pull-through cache of the registry at this URL. */
  readonly cacheOf?: string;
}
/** distribution (Debian's docker-registry), with deletion allowed. */
export async function startDockerRegistry({
  storage,
  tls,
  cacheOf,
}: DockerRegistryOptions = {}): Promise<RealRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-registry-'));
  const config = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage ?? join(folder, 'storage') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0', ...(tls === undefined ? {} : { tls }) },
    ...(cacheOf === undefined ? {} : { proxy: { remoteurl: cacheOf } }),
  };
  // JSON is YAML
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  return launch(folder, {
    command: requirePeer('docker-registry'),
    args: ['serve', join(folder, 'config.yml')],
    ready: /listening on 127\.0\.0\.1:(\d+)/,
    ...(tls === undefined ? {} : { scheme: 'https' }),
  });
}
/** `crane registry serve`: another implementation, go-containerregistry's. */
export async function startCraneRegistry(): Promise<RealRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-registry-'));
  await mkdir(join(folder, 'storage'));
  return launch(folder, {
    command: requirePeer('crane'),
    args: ['registry', 'serve', '--address', '127.0.0.1:0', '--disk', join(folder, 'storage')],
    ready: /serving on port (\d+)/,
  });
}
/** What a client prints; its settings are looked for in an empty home. */
export async function runPeer(name: PeerName, ...args: readonly string[]): Promise<Buffer> {
  return withHome((home) => runPeerAt(home, name, ...args));
}
/** A home without any settings, gone afterwards. */
export async function withHome<T>(work: (home: string) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'tidemark-home-'));
  try {
    return await work(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
/** Starting a process keeps the thread for milliseconds: each is started in a turn of its own. */
let previousStart = Promise.resolve();
/** As `runPeer`, with what earlier calls have left in the home. */
export async function runPeerAt(home: string, name: PeerName, ...args: readonly string[]): Promise<Buffer> {
  previousStart = previousStart.then(() => setImmediate());
  await previousStart;
  const { stdout } = await promisify(execFile)(requirePeer(name), args, {
    encoding: 'buffer',
    maxBuffer: 16 * 1024 * 1024,
    timeout: 200_000,
    cwd: home,
    // cosign asks for the password of a key where the variable is not there
    env: { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: home, COSIGN_PASSWORD: '' },
  });
  return stdout;
}
export function requirePeer(name: PeerName): string {
  const path = findPeer(name);
  if (path === undefined)
    throw new Error(`${name} is missing; expected it installed by: bash scripts/install-peers.sh`);
  return path;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** Of a line of its output; the first group is the port. */
  readonly ready: RegExp;
  readonly scheme?: 'http' | 'https';
}

/** Starts a server whose folder is gone when it stops. */
export async function launch(
  folder: string,
  { command, args, ready, scheme = 'http' }: Launch,
): Promise<RealRegistry> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { HOME: folder } });
  const exited = once(child, 'exit');
  // it must not outlive a run that is killed by a signal it can see
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  try {
    const port = await readPort([child.stdout, child.stderr], ready, exited);
    const host = `127.0.0.1:${port}`;
    return {
      url: `${scheme}://${host}`,
      host,
      async stop() {
        process.off('exit', end);
        child.kill('SIGKILL');
        await exited;
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  }
}
async function readPort(
  outputs: readonly Readable[],
  ready: RegExp,
  exited: Promise<unknown>,
): Promise<string> {
  const lines: string[] = [];
  const found = new Promise<string>((resolve) => {
    for (const output of outputs) {
      createInterface(output).on('line', (line) => {
        const port = ready.exec(line)?.[1];
        if (port !== undefined) resolve(port);
        else if (lines.length < 50) lines.push(line);
      });
    }
  });
  const failed = exited.then(() => {
    throw new Error(`The registry ended before it listened:\n${lines.join('\n')}`);
  });
  return Promise.race([found, failed]);
}
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
