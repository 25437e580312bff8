/** Debian's containerd and podman, each with folders of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon } from './daemon.ts';
import type { Daemon } from './daemon.ts';
import { requirePeer } from './peers.ts';

export interface ContainerdEngine extends Daemon {
  /** Runs `ctr` with this engine. @returns what it prints. */
  ctr(...args: readonly string[]): Promise<string>;
}

/** Without what starts containers, none of which is run. */
const config = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper"]
`;

export async function startContainerd(): Promise<ContainerdEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-containerd-'));
  const configFile = join(folder, 'config.toml');
  await writeFile(configFile, config);
  const address = join(folder, 'socket');
  const folders = ['root', 'state'].map((name) => `--${name}=${join(folder, name)}`);
  const args = [`--config=${configFile}`, `--address=${address}`, ...folders];
  const ctr = (...given: readonly string[]) => run('ctr', folder, ['--address', address, ...given]);
  return { ctr, ...(await startDaemon('containerd', args, { folder, ask: () => ctr('version') })) };
}

/** Runs podman with storage in a folder, which is also its home. @returns what it prints. */
export function runPodman(folder: string, ...args: readonly string[]): Promise<string> {
  const storage = [
    '--root',
    join(folder, 'root'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'vfs',
  ];
  const engine = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
  return run('podman', folder, [...storage, ...engine, ...args]);
}

async function run(name: 'ctr' | 'podman', home: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(requirePeer(name), args, {
    timeout: 200_000,
    env: { PATH: process.env['PATH'], HOME: home },
  });
  return stdout;
}
