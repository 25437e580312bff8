/** What GraphQL and `/v2/` tell of signatures, after syncs of an upstream that signs in each way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { addImage, addIndex, createSampleRepository, removeTag } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { atomicPayload, createSigner } from '../support/signatures/atomic-signature.ts';
import type { Signer } from '../support/signatures/atomic-signature.ts';
import { json, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import {
  answersWithReferrers,
  attach,
  companionName,
  signByReferrer,
  signByTag,
} from '../support/signatures/signed-sample.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';

const name = 'signed/app';
const content = createSampleRepository();
const children = ['amd64', 'arm64'].map((architecture) =>
  addImage(content, { seed: `api-${architecture}`, layers: [500], platform: { os: 'linux', architecture } }),
);
const index = addIndex(content, { manifests: children, tag: 'v1' });
const child = children[0] as Descriptor;
const plain = addImage(content, { seed: 'api-plain', layers: [400], tag: 'plain' });
const byTag = signByTag(content, index);
const byReferrer = signByReferrer(content, child);
const sbom = attach(content, child, 'application/spdx+json');

let harness: SyncHarness;
let upstream: FakeUpstream;
let signer: Signer;
let api: HarnessApi;
let ids: { repositoryId: number; remoteId: number };
let atomic: Buffer;

beforeAll(async () => {
  [harness, signer] = await Promise.all([startSyncHarness(), createSigner()]);
  upstream = await openFakeUpstream({ fallback: answersWithReferrers(content) });
  upstream.on('GET /v2/', json({}, { 'x-registry-supports-signatures': '1' }));
  atomic = await signer.sign(atomicPayload(index.digest, { creator: 'test', timestamp: 1_700_000_000 }));
  const entry = { schemaVersion: 2, name: 'any', type: 'atomic', content: atomic.toString('base64') };
  upstream.on(`GET /extensions/v2/${name}/signatures/${index.digest}`, json({ signatures: [entry] }));
  ids = await harness.createRepository({ url: upstream.url, upstreamName: name }, name);
  const { task } = await harness.sync(ids);
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
  removeTag(content, companionName(index, '.sig'));
  upstream.on(`GET /extensions/v2/${name}/signatures/${index.digest}`, json({ signatures: [] }));
  expect((await harness.sync(ids, { mirror: true })).task).toMatchObject({ createdVersion: 2 });
  api = await startHarnessApi(harness);
});
afterAll(async () => {
  await api?.close();
  await upstream?.close();
  await harness?.close();
});

async function inVersion(number: number, selection: string) {
  const data = await api.data(
    `query ($name: String!, $number: Int!) { repository(name: $name) { version(number: $number) { ${selection} } } }`,
    { name, number },
  );
  return data.repository.version;
}

const fields = 'kind name keyId creator timestamp dockerReference manifest { digest }';
const cosign = { kind: 'COSIGN', keyId: null, creator: null, timestamp: null, dockerReference: null };

test('a version lists its signatures, counts them, and tells what it added and removed', async () => {
  const first = await inVersion(
    1,
    `signatures(first: 10) { totalCount nodes { ${fields} } } contentSummary { present { signatures tags } }`,
  );
  expect(first.contentSummary.present).toEqual({ signatures: 3, tags: 3 });
  expect(first.signatures.totalCount).toBe(3);
  expect(new Set(first.signatures.nodes)).toEqual(
    new Set([
      { ...cosign, name: companionName(index, '.sig'), manifest: { digest: index.digest } },
      { ...cosign, name: byReferrer.digest, manifest: { digest: child.digest } },
      {
        kind: 'ATOMIC',
        name: expect.stringMatching(`^${index.digest}@[0-9a-f]{32}$`),
        keyId: signer.keyId,
        creator: 'test',
        timestamp: '2023-11-14T22:13:20.000Z',
        dockerReference: 'registry.example/library/app:v1',
        manifest: { digest: index.digest },
      },
    ]),
  );
  const second = await inVersion(
    2,
    'signatures(first: 10, change: REMOVED) { nodes { kind } } contentSummary { present { signatures } removed { signatures tags } }',
  );
  expect(second.contentSummary).toEqual({ present: { signatures: 1 }, removed: { signatures: 2, tags: 1 } });
  expect(second.signatures.nodes.map((node: { kind: string }) => node.kind).sort()).toEqual([
    'ATOMIC',
    'COSIGN',
  ]);
});

test('signatures come in pages', async () => {
  const page = 'pageInfo { hasNextPage endCursor } nodes { name }';
  const first = await inVersion(1, `signatures(first: 2) { ${page} }`);
  expect(first.signatures).toMatchObject({ pageInfo: { hasNextPage: true } });
  const rest = await inVersion(
    1,
    `signatures(first: 2, after: "${first.signatures.pageInfo.endCursor}") { ${page} }`,
  );
  expect(rest.signatures).toMatchObject({ pageInfo: { hasNextPage: false } });
  expect([...first.signatures.nodes, ...rest.signatures.nodes]).toHaveLength(3);
});

test('a manifest names its signatures and referrers, those of the version that it was asked for in', async () => {
  const selection = `tag(name: "v1") { manifest { signatures { kind } referrers { digest }
    manifests { digest signatures { name } referrers { digest artifactType } sboms: referrers(artifactType: "application/spdx+json") { digest } } } }`;
  const first = (await inVersion(1, selection)).tag.manifest;
  expect(first.signatures.map((node: { kind: string }) => node.kind).sort()).toEqual(['ATOMIC', 'COSIGN']);
  expect(first.referrers).toEqual([]);
  expect(first.manifests[0].signatures).toEqual([{ name: byReferrer.digest }]);
  expect(first.manifests[0].referrers.map((node: { digest: string }) => node.digest).sort()).toEqual(
    [byReferrer.digest, sbom.digest].sort(),
  );
  expect(first.manifests[0].sboms).toEqual([{ digest: sbom.digest }]);
  expect(first.manifests[1]).toMatchObject({ signatures: [], referrers: [] });
  expect((await inVersion(2, selection)).tag.manifest.signatures).toEqual([]);
});

test('a signature is found by its id, and so is a difference of versions', async () => {
  const [node] = (await inVersion(1, 'signatures(first: 1) { nodes { id name } }')).signatures.nodes;
  const found = await api.data(
    'query ($id: ID!) { node(id: $id) { id ... on Signature { name manifest { signatures { id } } } } }',
    { id: node.id },
  );
  expect(found.node).toMatchObject({
    ...node,
    manifest: { signatures: expect.arrayContaining([{ id: node.id }]) },
  });
  const [from, to] = [1, 2].map((number) => toGlobalId('RepositoryVersion', ids.repositoryId, number));
  const diff = await api.data(
    'query ($from: ID!, $to: ID!) { versionDiff(from: $from, to: $to) { signaturesAdded signaturesRemoved } }',
    { from, to },
  );
  expect(diff.versionDiff).toEqual({ signaturesAdded: 0, signaturesRemoved: 2 });
});

async function pin(version: number | null): Promise<void> {
  const em = harness.em();
  em.assign(await em.findOneOrFail(Distribution, { basePath: name }), { version });
  await em.flush();
}

const extension = (digest: string) => `${api.url}/extensions/v2/${name}/signatures/${digest}`;

test('/v2/ says that atomic signatures are here, and the extension serves those of the version served', async () => {
  const base = await fetch(`${api.url}/v2/`);
  expect([base.status, base.headers.get('x-registry-supports-signatures')]).toEqual([200, '1']);
  expect(await (await fetch(extension(index.digest))).json()).toEqual({ signatures: [] });
  await pin(1);
  expect(await (await fetch(extension(index.digest))).json()).toEqual({
    signatures: [
      {
        schemaVersion: 2,
        name: expect.stringMatching(`^${index.digest}@[0-9a-f]{32}$`),
        type: 'atomic',
        content: atomic.toString('base64'),
      },
    ],
  });
  expect(await (await fetch(extension(plain.digest))).json()).toEqual({ signatures: [] });
  await pin(null);
});

test.each([
  ['an unknown repository', () => extension(index.digest).replace(name, 'no/such'), 404, 'NAME_UNKNOWN'],
  ['what is no digest', () => extension('latest'), 400, 'DIGEST_INVALID'],
  ['a name that is none', () => extension(index.digest).replace(name, 'UPPER'), 400, 'NAME_INVALID'],
  ['another address of the extension', () => `${api.url}/extensions/v2/x/other/y`, 404, 'NAME_INVALID'],
])('the extension, asked for %s', async (_, url, status, code) => {
  const answer = await fetch(url());
  expect([answer.status, await answer.json()]).toEqual([
    status,
    { errors: [expect.objectContaining({ code })] },
  ]);
});

test('the extension is read only', async () => {
  const answer = await fetch(extension(index.digest), { method: 'PUT', body: '{}' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('copied tags bring their signatures along; restoring a version brings back what it had', async () => {
  const created = await api.data(
    'mutation { repositoryCreate(input: { name: "signed/copy" }) { repository { id } userErrors { message } } }',
  );
  const repositoryId = created.repositoryCreate.repository.id;
  const copied = await api.data(
    `mutation ($repositoryId: ID!, $from: ID!) {
      repositoryCopyContent(input: { repositoryId: $repositoryId, sourceVersionId: $from, tags: ["v1"] }) {
        version { tags(first: 9) { nodes { name } } contentSummary { present { signatures manifests } } } userErrors { message } } }`,
    { repositoryId, from: toGlobalId('RepositoryVersion', ids.repositoryId, 1) },
  );
  expect(copied.repositoryCopyContent).toEqual({
    userErrors: [],
    version: {
      tags: { nodes: [{ name: companionName(index, '.sig') }, { name: 'v1' }] },
      // the index, its children, the signature by tag, that of a child, and the SBOM
      contentSummary: { present: { signatures: 3, manifests: 6 } },
    },
  });
  const restored = await api.data(
    `mutation ($id: ID!) { repositoryRestoreVersion(input: { versionId: $id }) {
      version { contentSummary { present { signatures tags } added { signatures } } } userErrors { message } } }`,
    { id: toGlobalId('RepositoryVersion', ids.repositoryId, 1) },
  );
  expect(restored.repositoryRestoreVersion).toEqual({
    userErrors: [],
    version: { contentSummary: { present: { signatures: 3, tags: 3 }, added: { signatures: 2 } } },
  });
  expect(byTag.digest).toMatch(/^sha256:/);
});
