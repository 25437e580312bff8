/** Debian's containerd and podman, each with folders of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';
import { requirePeer } from './peers.ts';

export interface ContainerdEngine {
  /** Runs `ctr` with this engine. @returns what it prints. */
  ctr(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
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
  const child = spawn(
    requirePeer('containerd'),
    [`--config=${configFile}`, `--address=${address}`, ...folders],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-4_000)));
  const exited = once(child, 'exit');
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  const engine: ContainerdEngine = {
    ctr: (...args) => run('ctr', folder, ['--address', address, ...args]),
    async stop() {
      process.off('exit', end);
      end();
      await exited;
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`containerd has ended:\n${said}`);
      return engine.ctr('version').then(
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
