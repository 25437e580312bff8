/** Where the upstream is seen from: over loopback or a long line, plain or by TLS. */
import { mkdir, readFile } from 'node:fs/promises';
import { startDockerRegistry } from '../test/interop/peers.ts';
import type { Bench } from './bench.ts';
import { makeCertificates, startLine } from './tool.ts';
import type { Line } from './tool.ts';

export interface Scene {
  /** Behind the corpus in a title. */
  readonly title: string;
  readonly line?: Line;
  readonly isTls: boolean;
}

export const lines = {
  '20ms': { roundTripMs: 20, megabits: 1_000 },
  '80ms': { roundTripMs: 80, megabits: 100 },
} as const satisfies Record<string, Line>;

/** In the order in which they run: a peer that was stopped on a shorter line is not tried on a longer one. */
export const scenes = {
  loopback: { title: '', isTls: false },
  '20ms': { title: ', 20 ms and 1 Gbit/s', line: lines['20ms'], isTls: false },
  '80ms': { title: ', 80 ms and 100 Mbit/s', line: lines['80ms'], isTls: false },
  tls: { title: ', TLS', isTls: true },
  'tls-20ms': { title: ', TLS, 20 ms and 1 Gbit/s', line: lines['20ms'], isTls: true },
} as const satisfies Record<string, Scene>;

export type SceneName = keyof typeof scenes;
export const sceneNames = Object.keys(scenes) as SceneName[];

/** The upstream as a tool is told of it. */
export interface Source {
  readonly url: string;
  readonly host: string;
  /** Of the authority to trust: its file, and what is in it. */
  readonly authority?: { readonly path: string; readonly pem: string };
}

export interface OpenScene {
  readonly source: Source;
  close(): Promise<void>;
}

/** Opens the scene before the bench's upstream. */
export async function openScene(bench: Bench, name: SceneName): Promise<OpenScene> {
  const scene: Scene = scenes[name];
  const server = scene.isTls ? await startTlsUpstream(bench) : undefined;
  const registry = server ?? { source: bench.upstream };
  if (scene.line === undefined) return { source: registry.source, close: async () => server?.stop() };
  const proxy = await startLine(registry.source.host, scene.line);
  const url = `${scene.isTls ? 'https' : 'http'}://${proxy.host}`;
  return {
    source: { ...registry.source, url, host: proxy.host },
    async close() {
      await proxy.stop();
      await server?.stop();
    },
  };
}

/** A second docker-registry on the same storage, with a certificate that was made for it. */
async function startTlsUpstream(bench: Bench): Promise<{ readonly source: Source; stop(): Promise<void> }> {
  const folder = bench.path('certificates');
  await mkdir(folder, { recursive: true });
  const files = await makeCertificates(folder);
  const registry = await startDockerRegistry({
    storage: bench.storage,
    tls: { certificate: files.certificate, key: files.key },
  });
  const authority = { path: files.authority, pem: await readFile(files.authority, 'utf8') };
  return { source: { url: registry.url, host: registry.host, authority }, stop: () => registry.stop() };
}

/** How long the bytes alone take over a line; its round trips and headers are not counted. */
export function secondsOfBytes(bytes: number, { megabits }: Line): number {
  return (bytes * 8) / (megabits * 1e6);
}

/** Whether a line's rate decides how long a transfer takes, and not its round trips, of which any tool needs some. */
export function isBoundByRate(bytes: number, line: Line): boolean {
  return secondsOfBytes(bytes, line) * 1000 >= 100 * line.roundTripMs;
}
