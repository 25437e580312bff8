/** Images signed with cosign, and with skopeo and GnuPG, mirrored in each way that signatures come; then verified by the same tools at our `/v2/`. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage } from '../../src/demo/sample-image.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import { runPeerAt, skipWithout, startRegistry } from './peers.ts';
import { pushSample } from './push-sample.ts';
import type { PeerName, RealRegistry, RegistryName } from './peers.ts';
import {
  makeKeys,
  signAtomic,
  serveFolder,
  openWithReferrersApi,
  signed,
  content,
  index,
  children,
} from './signing.ts';

const name = 'team/signed';
const child = children[0]?.digest ?? '';
addImage(content, { seed: 'unsigned', layers: [2000], tag: 'unsigned' });
/** What is pulled of each: by tag, and an index's child by its digest. */
const references = [':v1', ':multi', `@${child}`];

interface Signing {
  readonly sign: (reference: string) => readonly string[];
}

const cosign = (...more: string[]): Signing => ({
  sign: (reference) => [
    'sign',
    '--key',
    'cosign.key',
    '--tlog-upload=false',
    '--use-signing-config=false',
    '--allow-http-registry',
    '-y',
    ...more,
    reference,
  ],
});
/** Version 2's layout: a tag; version 3's: a bundle that refers to the image, by the fallback tag where there is no API. */
const layouts = { tags: cosign('--new-bundle-format=false'), referrers: cosign() };

const peers: readonly PeerName[] = ['docker-registry', 'crane', 'cosign', 'skopeo', 'gpg', 'gpg-agent'];

describe.skipIf(skipWithout(...peers))('signatures', () => {
  let home: string;
  let harness: SyncHarness;
  let second: SyncHarness;
  let api: HarnessApi;
  let secondApi: HarnessApi;
  const registries = new Map<RegistryName, RealRegistry>();
  const upstreams: FakeUpstream[] = [];
  let store: Server;

  beforeAll(async () => {
    // GnuPG's sockets have short paths only
    home = await mkdtemp(join(tmpdir(), 'tm-'));
    await Promise.all([makeKeys(home), mkdir(join(home, 'registries.d'))]);
    [harness, second] = await Promise.all([startSyncHarness(), startSyncHarness()]);
    [api, secondApi] = await Promise.all([startHarnessApi(harness), startHarnessApi(second)]);
    for (const registry of ['docker-registry', 'crane'] as const)
      registries.set(registry, await startRegistry(registry));
    store = await serveFolder(join(home, 'sigstore'));
  });
  afterAll(async () => {
    store?.close();
    await Promise.all([api?.close(), secondApi?.close()]);
    await Promise.all([harness?.close(), second?.close()]);
    await Promise.all([...registries.values()].map((registry) => registry.stop()));
    await Promise.all(upstreams.map((upstream) => upstream.close()));
    await runPeerAt(home, 'gpgconf', '--kill', 'all');
    await rm(home, { recursive: true, force: true });
  });

  const hostOf = (registry: RegistryName): string => registries.get(registry)?.host ?? '';

  /** Pushes the sample and signs all of it; answers the name. */
  async function pushSigned(registry: RegistryName, layout: keyof typeof layouts): Promise<string> {
    const repository = `${name}-${layout}`;
    await pushSample(`http://${hostOf(registry)}`, repository, content);
    for (const { digest } of signed)
      await runPeerAt(home, 'cosign', ...layouts[layout].sign(`${hostOf(registry)}/${repository}@${digest}`));
    return repository;
  }

  async function mirror(
    wish: Partial<Remote> & { url: string; upstreamName: string },
    by: SyncHarness = harness,
  ): Promise<{ name: string; signatures: number }> {
    const ids = await by.createRepository({ includeTags: ['v1', 'multi', 'unsigned'], ...wish });
    const { task, summary, warnings } = await by.sync(ids);
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
    expect(warnings).toEqual([]);
    return { name: ids.name, signatures: summary?.present.signatures ?? 0 };
  }

  const cosignVerify = (reference: string): Promise<Buffer> =>
    runPeerAt(
      home,
      'cosign',
      'verify',
      '--key',
      'cosign.pub',
      '--insecure-ignore-tlog',
      '--allow-http-registry',
      reference,
    );

  async function expectCosignVerifies(repository: string): Promise<void> {
    const verify = (reference: string) => cosignVerify(`${repository}${reference}`);
    for (const reference of references) expect(JSON.parse(String(await verify(reference)))).not.toEqual([]);
    await expect(verify(':unsigned')).rejects.toThrow(/no (?:matching )?signatures/i);
  }

  async function expectSkopeoVerifies(repository: string): Promise<void> {
    const copy = async (reference: string) => {
      const target = await mkdtemp(join(home, 'copied-'));
      const options = ['--policy', 'policy.json', '--registries.d', 'registries.d', 'copy', '--all'];
      await runPeerAt(
        home,
        'skopeo',
        ...options,
        '--src-tls-verify=false',
        `docker://${repository}${reference}`,
        `dir:${target}`,
      );
      return readFile(join(target, 'signature-1'));
    };
    for (const reference of references) expect((await copy(reference)).length).toBeGreaterThan(100);
    await expect(copy(':unsigned')).rejects.toThrow(/signature was required/i);
  }

  describe.each([
    ['docker-registry', 'tags'],
    ['docker-registry', 'referrers'],
    ['crane', 'tags'],
    ['crane', 'referrers'],
  ] as const)('of cosign, from %s, by %s', (registry, layout) => {
    test.each([
      ['named tags', ['v1', 'multi', 'unsigned']],
      ['every tag', null],
    ])(
      '%s',
      async (_, includeTags) => {
        const upstreamName = await pushSigned(registry, layout);
        const mirrored = await mirror({ url: `http://${hostOf(registry)}`, upstreamName, includeTags });
        // cosign appends to what it signs again, so it may have signed some twice, in one signature manifest
        expect(mirrored.signatures).toBeGreaterThanOrEqual(signed.length);
        await expectCosignVerifies(`${api.host}/${mirrored.name}`);
      },
      60_000,
    );
  });

  test('of cosign, of an index of which one platform is mirrored, here and by another Tidemark', async () => {
    const upstreamName = await pushSigned('docker-registry', 'referrers');
    const url = `http://${hostOf('docker-registry')}`;
    const platforms = ['linux/amd64'];
    const first = await mirror({ url, upstreamName, includeTags: ['multi'], tagRules: { platforms } });
    const ids = await second.createRepository({ url: api.url, upstreamName: first.name });
    expect((await second.sync(ids)).task).toMatchObject({ state: 'COMPLETED', errorMessage: null });
    for (const repository of [`${api.host}/${first.name}`, `${secondApi.host}/${ids.name}`]) {
      for (const reference of [':multi', `@${index.digest}`, `@${child}`])
        expect(JSON.parse(String(await cosignVerify(`${repository}${reference}`)))).not.toEqual([]);
      const digest = String(await runPeerAt(home, 'crane', 'digest', '--insecure', `${repository}:multi`));
      expect(digest.trim()).toBe(index.digest);
      const target = await mkdtemp(join(home, 'copied-'));
      const source = ['--src-tls-verify=false', `docker://${repository}:multi`];
      await runPeerAt(
        home,
        'skopeo',
        '--insecure-policy',
        '--override-os',
        'linux',
        '--override-arch',
        'amd64',
        'copy',
        ...source,
        `dir:${target}`,
      );
      expect(digestBytes(await readFile(join(target, 'manifest.json')))).toBe(child);
      const pull = (platform: string) =>
        runPeerAt(
          home,
          'crane',
          'pull',
          '--insecure',
          '--platform',
          platform,
          `${repository}:multi`,
          join(target, 'pulled'),
        );
      await pull('linux/amd64');
      await expect(pull('linux/arm64')).rejects.toThrow(/It is absent (?:by rule|upstream)/);
    }
  }, 60_000);

  test('of cosign, from a registry with the referrers API', async () => {
    const upstreamName = await pushSigned('crane', 'referrers');
    const upstream = await openWithReferrersApi(`http://${hostOf('crane')}`);
    upstreams.push(upstream);
    const mirrored = await mirror({ url: upstream.url, upstreamName });
    expect(upstream.requests.filter(({ path }) => /\/manifests\/sha256-[0-9a-f]{64}$/.test(path))).toEqual(
      [],
    );
    await expectCosignVerifies(`${api.host}/${mirrored.name}`);
  });

  test('of skopeo and GnuPG, from a folder behind a web server; and from there and cosign through another Tidemark', async () => {
    const upstreamName = await pushSigned('docker-registry', 'referrers');
    await signAtomic(home, upstreamName);
    const sigstore = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
    const mirrored = await mirror({ url: `http://${hostOf('docker-registry')}`, upstreamName, sigstore });
    await expectSkopeoVerifies(`${api.host}/${mirrored.name}`);
    await expectCosignVerifies(`${api.host}/${mirrored.name}`);

    const again = await mirror({ url: api.url, upstreamName: mirrored.name }, second);
    expect(again.signatures).toBe(mirrored.signatures);
    await expectSkopeoVerifies(`${secondApi.host}/${again.name}`);
    await expectCosignVerifies(`${secondApi.host}/${again.name}`);
  });
});
