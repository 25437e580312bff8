/** Debian's dockerd, with a data folder and a socket of its own: what `docker pull` really does. */
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon } from './daemon.ts';
import type { Daemon } from './daemon.ts';
import { requirePeer, skipWithout } from './peers.ts';
import type { PeerName } from './peers.ts';

export interface DockerEngine extends Daemon {
  /** The home of its client, with its logins. */
  readonly home: string;
  /** Runs `docker` with this engine. @returns what it prints. */
  docker(...args: readonly string[]): Promise<string>;
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
  const args = [`--host=${socket}`, ...config, ...folders, ...settings];
  const docker: DockerEngine['docker'] = async (...given) => {
    const { stdout } = await promisify(execFile)(requirePeer('docker'), given, {
      timeout: 200_000,
      env: { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: socket },
    });
    return stdout;
  };
  const daemon = await startDaemon('dockerd', args, { folder, ask: () => docker('version') });
  return { home: folder, docker, ...daemon };
}
