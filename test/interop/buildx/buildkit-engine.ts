/** BuildKit's daemon, and `docker buildx` with its driver "remote". */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon } from '../daemon.ts';
import type { Daemon } from '../daemon.ts';
import { requirePeer } from '../peers.ts';

export interface BuildKit extends Daemon {
  /** Runs `buildx build` with this daemon, and pushes. @returns the digest of what was pushed. */
  build(folder: string, options: BuildOptions): Promise<string>;
}

export interface BuildOptions {
  readonly image: string;
  readonly platforms: readonly string[];
  /** As of `--attest`. */
  readonly attestations: readonly string[];
  /** More options of the exporter "image": `oci-artifact=false`. */
  readonly output?: string;
}

/** @param registry A registry without TLS. */
export async function startBuildKit(registry: string): Promise<BuildKit> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-buildkit-'));
  const socket = join(folder, 'socket');
  const config = join(folder, 'buildkitd.toml');
  await writeFile(config, settings(registry, requirePeer('runc')));
  const args = [`--config=${config}`, `--addr=unix://${socket}`, `--root=${join(folder, 'root')}`];
  const daemon = await startDaemon('buildkitd', args, { folder, ask: () => answers(socket) });
  const buildx = (...given: readonly string[]) =>
    promisify(execFile)(requirePeer('buildx'), given, {
      timeout: 200_000,
      env: { PATH: process.env['PATH'], HOME: folder, BUILDX_CONFIG: join(folder, 'buildx') },
    });
  await mkdir(join(folder, 'buildx'));
  await buildx('create', '--name', 'builder', '--driver', 'remote', `unix://${socket}`);
  return {
    ...daemon,
    async build(context, { image, platforms, attestations, output }) {
      const exporter = [
        'type=image',
        `name=${image}`,
        'push=true',
        ...(output === undefined ? [] : [output]),
      ];
      const metadata = join(folder, 'metadata.json');
      await buildx(
        'build',
        '--builder=builder',
        `--metadata-file=${metadata}`,
        `--platform=${platforms.join(',')}`,
        ...attestations.map((attestation) => `--attest=${attestation}`),
        `--output=${exporter.join(',')}`,
        context,
      );
      const built = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, unknown>;
      return String(built['containerimage.digest']);
    },
  };
}

/** Steps run on the network of the machine, so that no plug-in of networks is needed. */
function settings(registry: string, runc: string): string {
  return `[worker.oci]
enabled = true
snapshotter = "native"
networkMode = "host"
binary = ${JSON.stringify(runc)}
[worker.containerd]
enabled = false
[registry.${JSON.stringify(registry)}]
http = true
`;
}

async function answers(socket: string): Promise<void> {
  const connection = connect(socket);
  await once(connection, 'connect');
  connection.destroy();
}
