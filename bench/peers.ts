/** The programs that a user would take instead, and the command that makes each do the job of a sync. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPeer } from '../test/interop/peers.ts';
import type { RealRegistry } from '../test/interop/peers.ts';
import type { CorpusName } from './corpora.ts';
import type { Source } from './scenes.ts';
import { getCommand, timeCommand } from './tool.ts';
import type { CommandCost, CommandOptions } from './tool.ts';

/** What a peer is asked to do. */
export interface PeerJob {
  readonly upstream: Source;
  readonly corpus: string;
  readonly tags: readonly string[];
  /** A folder of this peer, corpus and round: empty at the first sync, as the peer left it afterwards. */
  readonly folder: string;
  /** An empty registry of this round, for who copies into one. */
  readonly target: RealRegistry;
}

export type Work = 'first' | 'again' | 'changed';

export interface Peer {
  readonly name: string;
  /** The command as a reader would type it. */
  readonly shown: string;
  /** In which rounds it runs: all of them, only the first (it takes long), or not at all. */
  runs(corpus: CorpusName, work: Work): 'always' | 'once' | 'never';
  prepare?(job: PeerJob): Promise<void>;
  command(job: PeerJob): [string, ...string[]];
}

const everywhere: Peer['runs'] = (corpus) => (corpus === 'tags10k' ? 'never' : 'always');
/** Half a minute and more for 1,000 tags; what it does again is the same once more. */
const slowWithTags: Peer['runs'] = (corpus, work) => {
  if (corpus === 'tags10k') return 'never';
  if (corpus === 'manytags') return work === 'first' ? 'once' : 'never';
  return 'always';
};

export const peers: readonly Peer[] = [
  {
    name: 'skopeo sync',
    shown: 'skopeo sync --all --src docker --dest dir $UPSTREAM/$CORPUS $TARGET',
    // it refuses to write where it has written before
    runs: (corpus, work) => (work === 'first' ? slowWithTags(corpus, work) : 'never'),
    command: ({ upstream, corpus, folder }) => [
      program('skopeo'),
      ...words(`sync --all --src docker --src-tls-verify=${isTls(upstream)} --dest dir`),
      `${upstream.host}/${corpus}`,
      join(folder, 'dir'),
    ],
  },
  {
    name: 'crane pull',
    shown: 'crane pull --format=oci --annotate-ref $UPSTREAM/$CORPUS:$TAG … $TARGET',
    runs: slowWithTags,
    command: ({ upstream, corpus, tags, folder }) => [
      program('crane'),
      ...words('pull --format=oci --annotate-ref'),
      ...insecure(upstream),
      ...tags.map((tag) => `${upstream.host}/${corpus}:${tag}`),
      join(folder, 'layout'),
    ],
  },
  {
    name: 'crane cp',
    shown: 'crane cp --all-tags $UPSTREAM/$CORPUS $TARGET_REGISTRY/$CORPUS',
    runs: everywhere,
    command: ({ upstream, corpus, target }) => [
      program('crane'),
      ...words(`cp --all-tags ${upstream.host}/${corpus} ${target.host}/${corpus}`),
      ...insecure(upstream),
    ],
  },
  {
    name: 'regsync',
    shown: 'regsync once -c $CONFIG (source: $UPSTREAM/$CORPUS, target: ocidir://$TARGET, type: repository)',
    runs: (corpus) => (corpus === 'tags10k' ? 'never' : corpus === 'manytags' ? 'once' : 'always'),
    async prepare({ upstream, corpus, folder }) {
      await writeRegsyncFile(upstream, folder, [corpus]);
    },
    command: ({ folder }) => [program('regsync'), 'once', '-c', join(folder, 'regsync.yml')],
  },
  {
    name: 'oras backup',
    shown: 'oras backup --plain-http --no-tty --output $TARGET $UPSTREAM/$CORPUS',
    runs: (corpus, work) => (corpus === 'tags10k' ? (work === 'first' ? 'once' : 'never') : 'always'),
    command: ({ upstream, corpus, folder }) => [
      program('oras'),
      ...words(`backup --no-tty${isTls(upstream) ? '' : ' --plain-http'} --output`),
      join(folder, 'oci'),
      `${upstream.host}/${corpus}`,
    ],
  },
];

/** Runs a peer's command once. */
export async function runPeer(peer: Peer, job: PeerJob): Promise<CommandCost> {
  await mkdir(job.folder, { recursive: true });
  await peer.prepare?.(job);
  return timeCommand(peer.command(job), peerOptions(job.upstream, job.folder));
}

/** regsync of many repositories, so many of them at a time. */
export async function runRegsync(
  upstream: Source,
  repositories: readonly string[],
  { folder, parallel }: { readonly folder: string; readonly parallel: number },
): Promise<CommandCost> {
  await mkdir(folder, { recursive: true });
  const file = await writeRegsyncFile(upstream, folder, repositories, { parallel });
  return timeCommand([program('regsync'), 'once', '-c', file], {
    ...peerOptions(upstream, folder),
    limitSeconds: 900,
  });
}

async function writeRegsyncFile(
  { host, authority }: Source,
  folder: string,
  repositories: readonly string[],
  defaults: object = {},
): Promise<string> {
  const trust = authority === undefined ? { tls: 'disabled' } : { tls: 'enabled', regcert: authority.pem };
  const config = {
    version: 1,
    creds: [{ registry: host, ...trust }],
    defaults,
    sync: repositories.map((name) => ({
      source: `${host}/${name}`,
      target: `ocidir://${folder}/oci/${name}`,
      type: 'repository',
    })),
  };
  const file = join(folder, 'regsync.yml');
  // JSON is YAML
  await writeFile(file, JSON.stringify(config));
  return file;
}

function peerOptions({ authority }: Source, home: string): CommandOptions {
  return authority === undefined ? { home } : { home, authorities: authority.path };
}

function isTls({ authority }: Source): boolean {
  return authority !== undefined;
}

/** crane's option turns the check of certificates off. */
function insecure(upstream: Source): string[] {
  return isTls(upstream) ? [] : ['--insecure'];
}

/** The floor: parallel GETs, sha256 and write in Go, of blobs whose names are known already. */
export async function runFloor(
  upstream: Source,
  repository: string,
  digests: readonly string[],
  folder: string,
): Promise<CommandCost> {
  await mkdir(folder, { recursive: true });
  const input = digests.map((digest) => `${upstream.url}/v2/${repository}/blobs/${digest}`).join('\n');
  return timeCommand(getCommand(8, folder), { home: folder, input });
}

/** Name and version of each program, for the report. */
export async function peerVersions(): Promise<string[]> {
  const run = promisify(execFile);
  const said = async (name: Program, ...args: readonly string[]) =>
    (await run(program(name), args)).stdout.trim();
  const installer = await readFile(new URL('../scripts/install-peers.sh', import.meta.url), 'utf8');
  const pinned = (name: string) =>
    new RegExp(`^${name}_version=(.+)$`, 'm').exec(installer)?.[1] ?? 'unknown';
  return [
    await said('skopeo', '--version'),
    await said('docker-registry', '--version'),
    `crane ${pinned('crane')}`,
    `regsync ${pinned('regctl')}`,
    `oras ${pinned('oras')}`,
  ];
}

function words(text: string): string[] {
  return text.split(' ');
}

type Program = Parameters<typeof findPeer>[0];

function program(name: Program): string {
  const path = findPeer(name);
  if (path === undefined)
    throw new Error(`${name} is missing; expected it installed by: bash scripts/install-peers.sh --bench`);
  return path;
}
