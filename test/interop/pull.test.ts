/** Pulls from our `/v2/` after a real sync, with the clients that people use; and a sync of another Tidemark from it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';
import { runPeer, skipWithout } from './peers.ts';
import { expectConformance, runConformance } from './conformance.ts';
import type { PeerName } from './peers.ts';
import {
  content,
  signed,
  signature,
  inFolder,
  expectDigests,
  manifestOf,
  layoutDigest,
} from './pulled-content.ts';

const name = 'demo/shop';

let harness: SyncHarness;
let upstream: SampleUpstream;
let api: HarnessApi;
let synced: { repositoryId: number; remoteId: number };
/** `127.0.0.1:<port>` */
let host: string;
/** `<host>/demo/shop`, as clients name it. */
let repository: string;

beforeAll(async () => {
  harness = await startSyncHarness();
  upstream = await startSampleUpstream({ repositories: new Map([[name, content]]) });
  synced = await harness.createRepository({ url: upstream.url, upstreamName: name }, name);
  const { task } = await harness.sync(synced);
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
  // from here on there is neither upstream nor worker
  await Promise.all([upstream.close(), harness.stopWorker()]);
  api = await startHarnessApi(harness);
  ({ host } = api);
  repository = `${host}/${name}`;
});
afterAll(async () => {
  await api?.close();
  await harness?.close();
});

const ownedBy = (client: PeerName) => describe.skipIf(skipWithout(client));
const tags = [...content.tags.keys()].sort();
const regctl = (...args: string[]) => runPeer('regctl', '--host', `reg=${host},tls=disabled`, ...args);

ownedBy('skopeo')('skopeo', () => {
  test.each(['1.0', 'latest', 'tools', 'debug'])('copies %s with all its platforms', async (tag) => {
    const files = await inFolder((folder) =>
      runPeer(
        'skopeo',
        'copy',
        '--all',
        '--src-tls-verify=false',
        `docker://${repository}:${tag}`,
        `dir:${folder}`,
      ),
    );
    expect(files.get('manifest.json')?.equals(manifestOf(tag) ?? Buffer.alloc(0))).toBe(true);
    const count = expectDigests(files, (path) =>
      /^[a-f0-9]{64}$/.test(path) ? `sha256:${path}` : undefined,
    );
    expect(count).toBeGreaterThan(1);
  });
  test('lists the tags, and inspects an image', async () => {
    const listed = await runPeer('skopeo', 'list-tags', '--tls-verify=false', `docker://${repository}`);
    expect((JSON.parse(String(listed)) as { Tags: string[] }).Tags).toEqual(tags);
    const inspected = await runPeer(
      'skopeo',
      'inspect',
      '--tls-verify=false',
      `docker://${repository}:tools`,
    );
    expect(JSON.parse(String(inspected))).toMatchObject({
      Digest: content.tags.get('tools'),
      Architecture: 'amd64',
    });
  });
});

ownedBy('crane')('crane', () => {
  test('sees digests, documents, tags and the catalog', async () => {
    for (const tag of tags) {
      expect(String(await runPeer('crane', 'digest', `${repository}:${tag}`)).trim()).toBe(
        content.tags.get(tag),
      );
      expect(
        (await runPeer('crane', 'manifest', `${repository}:${tag}`)).equals(
          manifestOf(tag) ?? Buffer.alloc(0),
        ),
      ).toBe(true);
    }
    expect(
      String(await runPeer('crane', 'ls', repository))
        .trim()
        .split('\n'),
    ).toEqual(tags);
    expect(String(await runPeer('crane', 'catalog', host)).trim()).toBe(name);
  });
  test.each(['1.0', 'latest', 'tools'])('validates %s, layers and all', async (tag) => {
    await runPeer('crane', 'validate', '--remote', `${repository}:${tag}`);
  });
  test('pulls an index as an OCI layout', async () => {
    const files = await inFolder((folder) =>
      runPeer('crane', 'pull', '--format=oci', `${repository}:1.0`, folder),
    );
    expect(expectDigests(files, layoutDigest)).toBeGreaterThan(5);
  });
});

ownedBy('regctl')('regctl', () => {
  test('sees digests, tags, blobs and referrers', async () => {
    for (const tag of tags)
      expect(String(await regctl('image', 'digest', `${repository}:${tag}`)).trim()).toBe(
        content.tags.get(tag),
      );
    expect(
      String(await regctl('tag', 'ls', repository))
        .trim()
        .split('\n'),
    ).toEqual(tags);
    const [[digest, bytes] = ['', Buffer.alloc(0)]] = content.blobs;
    expect((await regctl('blob', 'get', repository, digest)).equals(bytes)).toBe(true);
    const listed = String(await regctl('artifact', 'list', `${repository}:signed`, '--format', '{{json .}}'));
    expect(listed).toContain(signature.digest);
  });
});

ownedBy('oras')('oras', () => {
  test('discovers what refers to an image', async () => {
    const discovered = await runPeer(
      'oras',
      'discover',
      '--plain-http',
      '--format',
      'json',
      `${repository}:signed`,
    );
    expect(JSON.parse(String(discovered))).toMatchObject({
      digest: signed.digest,
      referrers: [
        {
          digest: signature.digest,
          artifactType: 'application/vnd.example.signature',
          annotations: { signer: 'test' },
        },
      ],
    });
    const filtered = await runPeer(
      'oras',
      'discover',
      '--plain-http',
      '--format',
      'json',
      '--artifact-type',
      'application/none',
      `${repository}:signed`,
    );
    expect(String(filtered)).not.toContain(signature.digest);
  });
  test('copies an image with what refers to it', async () => {
    const files = await inFolder((folder) =>
      runPeer(
        'oras',
        'copy',
        '--recursive',
        '--no-tty',
        '--from-plain-http',
        `${repository}:signed`,
        '--to-oci-layout',
        `${folder}:signed`,
      ),
    );
    // two manifests, two configs, two layers
    expect(expectDigests(files, layoutDigest)).toBe(6);
  });
  test('pulls an artifact', async () => {
    await inFolder((folder) =>
      runPeer('oras', 'pull', '--no-tty', '--plain-http', '-o', folder, `${repository}:chart`),
    );
    const fetched = await runPeer('oras', 'manifest', 'fetch', '--plain-http', `${repository}:chart`);
    expect(fetched.equals(manifestOf('chart') ?? Buffer.alloc(0))).toBe(true);
  });
});

test.skipIf(skipWithout('conformance'))(
  'the conformance suite of OCI passes on a mirror, reading only',
  { timeout: 300_000 },
  async () => {
    const manifests = await harness.content(synced.repositoryId, 1, 'manifest');
    const blobs = await harness.content(synced.repositoryId, 1, 'blob');
    const printed = await runConformance(host, {
      REPO1: name,
      API_PUSH: 'false',
      API_TAGS_DELETE: 'false',
      API_MANIFESTS_DELETE: 'false',
      API_BLOBS_DELETE: 'false',
      // this version looks for the header in an answer that it has not asked for yet
      API_MANIFESTS_DIGEST_HEADER: 'false',
      RO_DATA_TAGS: tags.join(' '),
      RO_DATA_MANIFESTS: manifests.join(' '),
      RO_DATA_BLOBS: blobs.join(' '),
      RO_DATA_REFERRERS: signed.digest,
    });
    expectConformance(printed);
    // each thing named was asked for
    expect(printed).toMatch(/Pass\.+:\s+\d{2,}\n/);
  },
);

test('another Tidemark that syncs from here has the same tags and content', async () => {
  const other = await startSyncHarness();
  try {
    const ids = await other.createRepository({ url: `http://${host}`, upstreamName: name });
    const { task, warnings } = await other.sync(ids, { mirror: true });
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
    expect(warnings).toEqual([]);
    expect(await other.tags(ids.repositoryId, 1)).toEqual(await harness.tags(synced.repositoryId, 1));
    for (const kind of ['manifest', 'blob'] as const)
      expect(await other.content(ids.repositoryId, 1, kind)).toEqual(
        await harness.content(synced.repositoryId, 1, kind),
      );
    const again = await other.sync(ids, { mirror: true });
    expect(again.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  } finally {
    await other.close();
  }
});
