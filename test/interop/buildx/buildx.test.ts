/**
 * An index with attestations that `docker buildx build --push` makes: pushed, pulled by dockerd for each platform, and mirrored. Where buildx and
 * BuildKit are missing (`npm run buildx-journey` builds them), a recorded one is pushed. `RECORD_BUILDX=1` records it anew.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPushScene } from '../../support/api/push-scene.ts';
import type { PushScene } from '../../support/api/push-scene.ts';
import { pull } from '../../support/api/pull.ts';
import { startHarnessApi } from '../../support/api/harness-api.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import { startBuildKit } from './buildkit-engine.ts';
import { skipWithoutEngine, startDockerEngine } from '../docker-engine.ts';
import type { DockerEngine } from '../docker-engine.ts';
import { findPeer, runPeer } from '../peers.ts';

const name = 'team/app';
const platforms = ['linux/amd64', 'linux/arm64'];
/** By tag, how BuildKit stores attestations: as artifacts, or as images as older versions do. */
const outputs = { artifacts: 'oci-artifact=true', images: 'oci-artifact=false' };
type Tag = keyof typeof outputs;
const tags = Object.keys(outputs) as Tag[];
/** An OCI layout for each tag. */
const recorded = fileURLToPath(new URL('recorded', import.meta.url));
const isBuilt = (['buildkitd', 'buildx', 'runc'] as const).every((peer) => findPeer(peer) !== undefined);

let scene: PushScene;
let host: string;
let folder: string;
let dockerEngine: DockerEngine;

interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: { readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly artifactType?: string;
  readonly subject?: Described;
  readonly config?: Described;
  readonly layers?: readonly Described[];
  readonly manifests?: readonly Described[];
}

describe.skipIf(skipWithoutEngine('dockerd', 'docker', 'skopeo'))('an index that buildx has pushed', () => {
  beforeAll(async () => {
    scene = await startPushScene();
    host = new URL(scene.api.url).host;
    folder = await mkdtemp(join(tmpdir(), 'tidemark-buildx-'));
    dockerEngine = await startDockerEngine();
    await (isBuilt ? buildAll() : pushRecorded());
  });
  afterAll(async () => {
    await dockerEngine?.stop();
    await scene?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(tags)('has provenance and SBOM of each platform, as %s', async (tag) => {
    const { digest, manifest } = await read(scene.api.url, tag);
    expect(digest).toBe(digests.get(tag));
    const parts = manifest.manifests ?? [];
    expect(parts.map(({ platform }) => platform?.architecture)).toEqual([
      'amd64',
      'arm64',
      'unknown',
      'unknown',
    ]);
    for (const [index, part] of parts.slice(2).entries()) {
      expect(part.annotations).toMatchObject({
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': parts[index]?.digest,
      });
      const attestation = (await read(scene.api.url, part.digest)).manifest;
      expect(attestation.subject?.digest).toBe(tag === 'artifacts' ? parts[index]?.digest : undefined);
      const predicates = attestation.layers?.map(
        ({ annotations }) => annotations?.['in-toto.io/predicate-type'],
      );
      expect(predicates?.toSorted()).toEqual([
        expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//),
        'https://spdx.dev/Document',
      ]);
    }
  });

  test('is pulled by dockerd for each platform', async () => {
    for (const platform of platforms) {
      const image = `${host}/${name}:artifacts`;
      const pulled = await dockerEngine.docker('pull', '--platform', platform, image);
      expect(/^Digest: (\S+)$/m.exec(pulled)?.[1]).toBe(digests.get('artifacts'));
      const id = await dockerEngine.docker(
        'image',
        'inspect',
        '--format',
        '{{.Id}} {{.Os}}/{{.Architecture}}',
        image,
      );
      expect(id.trim()).toBe(`${await configOf(platform)} ${platform}`);
    }
  });

  test('is mirrored byte for byte by another Tidemark', async () => {
    const harness = await startSyncHarness();
    try {
      const ids = await harness.createRepository({ url: scene.api.url, upstreamName: name }, name);
      expect((await harness.sync(ids)).task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
      const mirror = await startHarnessApi(harness);
      try {
        for (const [tag, digest] of digests) {
          const pushed = await readAll(scene.api.url, digest);
          expect(pushed.size).toBeGreaterThanOrEqual(10);
          expect(await readAll(mirror.url, tag)).toEqual(pushed);
        }
      } finally {
        await mirror.close();
      }
    } finally {
      await harness.close();
    }
  });
});

/** By tag, what buildx says that it has pushed. */
const digests = new Map<string, string>();

async function buildAll(): Promise<void> {
  const buildKit = await startBuildKit(host);
  try {
    const none = 'type=provenance,disabled=true';
    const image = `${host}/team/scanner`;
    const scanner = await writeScanner();
    const digest = await buildKit.build(scanner, { image, platforms: ['linux/amd64'], attestations: [none] });
    const attestations = ['type=provenance,mode=max', `type=sbom,generator=${image}@${digest}`];
    const context = await writeApp();
    for (const tag of tags) {
      const options = { image: `${host}/${name}:${tag}`, platforms, attestations, output: outputs[tag] };
      digests.set(tag, await buildKit.build(context, options));
    }
  } finally {
    await buildKit.stop();
  }
  if (process.env['RECORD_BUILDX'] === undefined) return;
  await rm(recorded, { recursive: true, force: true });
  await mkdir(recorded);
  for (const tag of tags) await copyAll('--src-tls-verify=false', remoteOf(tag), layoutOf(tag));
}

async function pushRecorded(): Promise<void> {
  console.warn(
    'buildx and BuildKit are missing: a recorded index is pushed. To build one: npm run buildx-journey',
  );
  for (const tag of tags) {
    const layout = JSON.parse(await readFile(join(recorded, tag, 'index.json'), 'utf8')) as Manifest;
    digests.set(tag, layout.manifests?.[0]?.digest ?? '');
    await copyAll('--dest-tls-verify=false', layoutOf(tag), remoteOf(tag));
  }
}

const layoutOf = (tag: Tag) => `oci:${join(recorded, tag)}:${tag}`;
const remoteOf = (tag: Tag) => `docker://${host}/${name}:${tag}`;
const copyAll = (...args: string[]) => runPeer('skopeo', 'copy', '--all', '--preserve-digests', ...args);

async function writeApp(): Promise<string> {
  const context = join(folder, 'app');
  await mkdir(context);
  await writeFile(
    join(context, 'Dockerfile'),
    'FROM scratch\nARG TARGETARCH\nLABEL of=$TARGETARCH\nCOPY Dockerfile /\n',
  );
  return context;
}

/** An image with the shell of this machine, and what BuildKit runs to scan. */
async function writeScanner(): Promise<string> {
  const context = join(folder, 'scanner');
  const libraries = execFileSync('ldd', ['/bin/sh'], { encoding: 'utf8' }).matchAll(/\/\S+/g);
  for (const [file] of [['/bin/sh'], ...libraries] as const) {
    await mkdir(join(context, 'root', dirname(file)), { recursive: true });
    await cp(file, join(context, 'root', file), { dereference: true });
  }
  const document = {
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    dataLicense: 'CC0-1.0',
    name: 'app',
    documentNamespace: 'https://tidemark.example/app',
    creationInfo: { created: '2026-01-01T00:00:00Z', creators: ['Tool: scan'] },
  };
  const statement = JSON.stringify({
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: 'https://spdx.dev/Document',
    predicate: document,
  });
  await writeFile(
    join(context, 'root/scan'),
    `echo '${statement}' > "$BUILDKIT_SCAN_DESTINATION/app.spdx.json"\n`,
  );
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY root /\nCMD ["/bin/sh", "/scan"]\n');
  return context;
}

async function get(url: string, path: string) {
  const headers = {
    accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
  };
  const answer = await pull(url, { path: `/v2/${name}/${path}`, headers });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer;
}

async function read(url: string, reference: string) {
  const { body, headers } = await get(url, `manifests/${reference}`);
  return { body, digest: headers['docker-content-digest'], manifest: JSON.parse(String(body)) as Manifest };
}

/** By digest, all manifests and blobs below a reference. */
async function readAll(url: string, reference: string): Promise<Map<string, Buffer>> {
  const { body, digest, manifest } = await read(url, reference);
  const found = new Map([[String(digest), body]]);
  for (const part of manifest.manifests ?? [])
    for (const [below, bytes] of await readAll(url, part.digest)) found.set(below, bytes);
  for (const blob of [manifest.config ?? [], manifest.layers ?? []].flat())
    found.set(blob.digest, (await get(url, `blobs/${blob.digest}`)).body);
  return found;
}

async function configOf(platform: string): Promise<string | undefined> {
  const { manifest } = await read(scene.api.url, 'artifacts');
  const image = manifest.manifests?.find((part) => platform.endsWith(`/${part.platform?.architecture}`));
  return (await read(scene.api.url, image?.digest ?? '')).manifest.config?.digest;
}
