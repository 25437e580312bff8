/** Debian's dockerd, with a data folder and a socket of its own: what `docker pull` really does. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';
import { requirePeer, skipWithout } from './peers.ts';
import type { PeerName } from './peers.ts';

export interface DockerEngine {
  /** The home of its client, with its logins. */
  readonly home: string;
  /** Runs `docker` with this engine. @returns what it prints. */
  docker(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Whether tests that need an engine are to be skipped, with a line that says so. In CI they run and fail instead. */
export function skipWithoutEngine(...names: readonly PeerName[]): boolean {
  const needed: readonly PeerName[] = names.length > 0 ? names : ['dockerd', 'docker'];
  if (skipWithout(...needed)) return true;
  if (process.getuid?.() === 0 || process.env['CI'] !== undefined) return false;
  console.warn(`Skipped: ${needed.join(', ')} need root.`);
  return true;
}

/** Without networks for containers, none of which is run: a registry on the loopback is all that it reaches. */
const settings = [
  '--bridge=none',
  '--iptables=false',
  '--ip6tables=false',
  '--storage-driver=vfs',
  '--insecure-registry=127.0.0.0/8',
];

/** @param configFile A daemon.json. Default: none. */
export async function startDockerEngine(configFile?: string): Promise<DockerEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-docker-'));
  const socket = `unix://${join(folder, 'socket')}`;
  const own = { 'data-root': 'data', 'exec-root': 'exec', pidfile: 'pid' };
  const folders = Object.entries(own).map(([option, name]) => `--${option}=${join(folder, name)}`);
  const config = configFile === undefined ? [] : [`--config-file=${configFile}`];
  const child = spawn(requirePeer('dockerd'), [`--host=${socket}`, ...config, ...folders, ...settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-4_000)));
  const exited = once(child, 'exit');
  // It ends its containerd, too; a killed one could not.
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  const engine: DockerEngine = {
    home: folder,
    async docker(...args) {
      const { stdout } = await promisify(execFile)(requirePeer('docker'), args, {
        timeout: 200_000,
        env: { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: socket },
      });
      return stdout;
    },
    async stop() {
      process.off('exit', end);
      end();
      await exited;
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`dockerd has ended:\n${said}`);
      return engine.docker('version').then(
        () => true,
        () => false,
      );
    });
    return engine;
  } catch (error) {
    await engine.stop();
    throw error;
  }
}
