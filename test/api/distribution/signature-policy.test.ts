/** A distribution with a signature policy, over a repository that was synced without one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { Distribution } from '../../../src/db/schema/distributions.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { pullPath } from '../../support/api/pull.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { startHarnessApi } from '../../support/api/harness-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { answersWithReferrers, companionName } from '../../support/signatures/signed-sample.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';
import {
  key,
  stranger,
  content,
  signed,
  unsigned,
  foreign,
  children,
  index,
  evil,
  signature,
  indexSignature,
  sbom,
  byBoth,
  behindFallbackTag,
  behindAttTag,
  listed,
  fallback,
  chart,
  attestation,
  ofSbom,
  blobsOf,
  chunksOf,
} from '../../support/signatures/policy-content.ts';

let harness: SyncHarness;
let upstream: FakeUpstream;
let api: HarnessApi;
let url: string;
let repositoryId: number;
let name: string;
let policyId: number;
beforeAll(async () => {
  harness = await startSyncHarness();
  upstream = await openFakeUpstream({ fallback: answersWithReferrers(content) });
  const made = await harness.createRepository({ url: upstream.url, upstreamName: 'library/app' });
  ({ repositoryId, name } = made);
  expect((await harness.sync(made)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  // from here on there is neither upstream nor worker
  await Promise.all([upstream.close(), harness.stopWorker()]);
  api = await startHarnessApi(harness);
  url = api.url;
  policyId = await givePolicy();
});
afterAll(async () => {
  await api?.close();
  await harness?.close();
});
/** To the distribution for its pulls, and to the repository for what GraphQL says. */
async function givePolicy(): Promise<number> {
  const em = harness.em();
  const policy = em.create(SignaturePolicy, { name: 'pulls', keys: [key.pem] });
  await em.flush();
  (await em.findOneOrFail(Distribution, { repositoryId })).signaturePolicyId = policy.id;
  (await em.findOneOrFail(Repository, { id: repositoryId })).signaturePolicyId = policy.id;
  await em.flush();
  return policy.id;
}
const pull = (path: string, method = 'GET', at = name) => pullPath(url, `${at}/${path}`, method);
describe('verified content is served', () => {
  test.each<readonly [string, string]>([
    ['an image by its tag', 'manifests/signed'],
    ['the same by its digest', `manifests/${signed.digest}`],
    ['an index', 'manifests/index'],
    ...children.map(({ digest }) => ['a child of the index', `manifests/${digest}`] as const),
    ['its signature by tag', `manifests/${companionName(signed, '.sig')}`],
    ['its signature by digest', `manifests/${signature.digest}`],
    ['the signature that refers to the index', `manifests/${indexSignature.digest}`],
    ['what refers to it', `manifests/${sbom.digest}`],
    ['what refers to that in turn', `manifests/${ofSbom.digest}`],
    ['its attestation by tag', `manifests/${companionName(signed, '.att')}`],
    ['its attestation by digest', `manifests/${attestation.digest}`],
    ['the index of what refers to it, by tag', `manifests/${companionName(signed)}`],
    ['the same by its digest', `manifests/${fallback.digest}`],
    ['the list of what refers to it', `referrers/${signed.digest}`],
    ...[signed, ...children, signature, indexSignature, sbom, attestation]
      .flatMap(blobsOf)
      .map((digest) => ['a blob', `blobs/${digest}`] as const),
  ])('%s: %s', async (_what, path) => {
    for (const method of ['GET', 'HEAD']) expect(await pull(path, method)).toMatchObject({ status: 200 });
  });
});
describe('unverified content is refused', () => {
  test.each<readonly [string, string, RegExp]>([
    [
      'an unsigned image',
      'manifests/unsigned',
      /The tag "unsigned" is not verified by .*: it has no signature\./,
    ],
    ['the same by its digest', `manifests/${unsigned.digest}`, /it has no signature/],
    ['one signed by another', 'manifests/foreign', /of its signature, none of the trusted keys made/],
    ['its signature', `manifests/${companionName(foreign, '.sig')}`, /none of the trusted keys made/],
    ['what refers to it', `referrers/${foreign.digest}`, /none of the trusted keys made/],
    ['an image that only refers to a signed one, by its tag', 'manifests/evil', /it has no signature/],
    ['the same by its digest', `manifests/${evil.digest}`, /it has no signature/],
    ['one that an index of referrers lists', `manifests/${listed.digest}`, /it has no signature/],
    ['one under the tag of such an index', `manifests/${companionName(index)}`, /it has no signature/],
    ['the same by its digest', `manifests/${behindFallbackTag.digest}`, /it has no signature/],
    ['one under the tag of attestations', `manifests/${companionName(index, '.att')}`, /it has no signature/],
    ['the same by its digest', `manifests/${behindAttTag.digest}`, /it has no signature/],
    ['a chart that refers to a signed image', `manifests/${chart.digest}`, /it has no signature/],
    ...[unsigned, foreign, evil, listed, behindFallbackTag, behindAttTag].map(
      (image) =>
        ['a layer', `blobs/${blobsOf(image)[1] ?? ''}`, /The blob sha256:\w+ is not verified/] as const,
    ),
  ])('%s: %s', async (_what, path, message) => {
    const { status, text } = await pull(path);
    expect(status).toBe(403);
    const { errors } = JSON.parse(text) as { errors: { code: string; message: string }[] };
    expect(errors).toMatchObject([{ code: 'DENIED', message: expect.stringMatching(message) }]);
    expect(await pull(path, 'HEAD')).toMatchObject({ status: 403 });
  });

  test('all tags are listed: a pull says why it is refused', async () => {
    const { tags } = JSON.parse((await pull('tags/list')).text) as { tags: string[] };
    expect(tags).toEqual(expect.arrayContaining(['evil', 'foreign', 'signed', 'unsigned']));
  });

  test('absent content is 404', async () => {
    expect(await pull('manifests/none')).toMatchObject({ status: 404 });
    expect(await pull(`blobs/sha256:${'0'.repeat(64)}`)).toMatchObject({ status: 404 });
  });
});
const ask = (query: string) => api.graphql(query, { id: toGlobalId('Repository', repositoryId) });
test('GraphQL says who verified a tag and a signature, and why none did', async () => {
  const { data } = await ask(`query ($id: ID!) { repository(id: $id) { latestVersion {
    tags(first: 50) { nodes { name verified { isVerified by reason policy { name } } } }
    signatures(first: 50) { nodes { name verified { isVerified by reason } } } } } }`);
  const { tags, signatures } = data.repository.latestVersion as unknown as Record<
    'tags' | 'signatures',
    { nodes: { name: string; verified: { isVerified: boolean; by: string | null; reason: string | null } }[] }
  >;
  const by = expect.stringMatching(/^key sha256:[0-9a-f]{64}$/);
  const policy = { name: 'pulls' };
  expect(Object.fromEntries(tags.nodes.map(({ name: tag, verified }) => [tag, verified]))).toEqual({
    signed: { isVerified: true, by, reason: null, policy },
    index: { isVerified: true, by, reason: null, policy },
    [companionName(signed, '.sig')]: { isVerified: true, by, reason: null, policy },
    [companionName(signed, '.att')]: { isVerified: true, by, reason: null, policy },
    [companionName(signed)]: { isVerified: true, by, reason: null, policy },
    [companionName(index)]: { isVerified: false, by: null, reason: 'it has no signature', policy },
    [companionName(index, '.att')]: { isVerified: false, by: null, reason: 'it has no signature', policy },
    unsigned: { isVerified: false, by: null, reason: 'it has no signature', policy },
    evil: { isVerified: false, by: null, reason: 'it has no signature', policy },
    foreign: { isVerified: false, by: null, reason: 'none of the trusted keys made the signature', policy },
    both: { isVerified: true, by, reason: null, policy },
    [companionName(byBoth, '.sig')]: { isVerified: true, by, reason: null, policy },
    [companionName(foreign, '.sig')]: {
      isVerified: false,
      by: null,
      reason: 'none of the trusted keys made the signature',
      policy,
    },
  });
  expect(signatures.nodes.filter(({ verified }) => verified.isVerified)).toHaveLength(3);
  expect(signatures.nodes).toHaveLength(5);
});
/** Another place that serves the repository, with a policy of its own. */
async function serve(what: string, keys: readonly string[]): Promise<string> {
  const em = harness.em();
  const own = em.create(SignaturePolicy, { name: `${what}-pulls`, keys });
  await em.flush();
  const basePath = `served/${what}`;
  em.create(Distribution, { basePath, repositoryId, signaturePolicyId: own.id });
  await em.flush();
  return basePath;
}
describe('where a distribution and its repository have policies, both bind', () => {
  test.each([
    { what: 'laxer', keys: [key.pem, stranger.pem], statuses: [200, 403, 200, 403] },
    { what: 'stricter', keys: [stranger.pem], statuses: [403, 403, 200, 403] },
  ])('the own one is $what', async ({ what, keys, statuses }) => {
    const at = await serve(what, keys);
    const images = [signed, foreign, byBoth, unsigned];
    const tags = ['signed', 'foreign', 'both', 'unsigned'];
    for (const paths of [
      tags.map((tag) => `manifests/${tag}`),
      images.map(({ digest }) => `manifests/${digest}`),
      images.map((image) => `blobs/${blobsOf(image)[1]}`),
      images.map(({ digest }) => `referrers/${digest}`),
    ]) {
      const answers = await Promise.all(paths.map((path) => pull(path, 'GET', at)));
      expect(answers.map(({ status }) => status)).toEqual(statuses);
    }
    const { data } = await api.graphql(
      `query ($basePath: String!) { distribution(basePath: $basePath) {
        signaturePolicy { name } signaturePolicyInForce { name } signaturePoliciesInForce { name } } }`,
      { basePath: at },
    );
    const own = { name: `${what}-pulls` };
    expect(data).toEqual({
      distribution: {
        signaturePolicy: own,
        signaturePolicyInForce: own,
        signaturePoliciesInForce: [own, { name: 'pulls' }],
      },
    });
  });
});
async function trust(pem: string, revision: number): Promise<void> {
  await harness.em().nativeUpdate(SignaturePolicy, { id: policyId }, { keys: [pem], revision });
}
test('a policy that trusts another from now on counts at once', async () => {
  await trust(stranger.pem, 2);
  expect(await pull('manifests/signed')).toMatchObject({ status: 403 });
  expect(await pull('manifests/foreign')).toMatchObject({ status: 200 });
  await trust(key.pem, 3);
  expect(await pull('manifests/signed')).toMatchObject({ status: 200 });
});
test('a signature whose bytes are lost verifies nothing, and again when they are back', async () => {
  const em = harness.em();
  await em.execute('delete from signature_verdict');
  const [, payload = ''] = blobsOf(signature);
  const bytes = content.blobs.get(payload as Descriptor['digest']) ?? Buffer.alloc(0);
  const descriptor = { digest: payload as Descriptor['digest'], size: bytes.length, mediaType: 'x/y' };
  await harness.store.delete(descriptor);
  const { status, text } = await pull('manifests/signed');
  expect(status).toBe(403);
  expect(text).toContain('the content of its signature is not stored');
  await harness.store.push(descriptor, {
    fetch: () =>
      Promise.resolve({
        offset: 0,
        bytes: chunksOf(bytes),
      }),
  });
  expect(await pull('manifests/signed')).toMatchObject({ status: 200 });
  expect(evil.digest).not.toBe(signed.digest);
});
test('fault 121: from another kept version, only verified content is served', async () => {
  const em = harness.em();
  await em.execute(`insert into repository_version (repository_id, number, counts)
    select repository_id, 2, counts from repository_version where repository_id = ${repositoryId}`);
  for (const table of ['membership', 'tag_membership', 'root_membership'])
    await em.execute(`update ${table} set removed_in = 2 where repository_id = ${repositoryId}`);
  await em.execute(`update repository set latest = 2 where id = ${repositoryId}`);
  const status = async (path: string) => (await pull(path)).status;
  expect(await status('manifests/signed')).toBe(404);
  for (const image of [signed, sbom, ...children])
    expect(await status(`manifests/${image.digest}`)).toBe(200);
  for (const blob of blobsOf(signed)) expect(await status(`blobs/${blob}`)).toBe(200);
  expect((await pull(`referrers/${signed.digest}`)).text).toContain(sbom.digest);
  for (const path of ['manifests', 'referrers']) expect(await status(`${path}/${foreign.digest}`)).toBe(403);
  expect(await status(`blobs/${blobsOf(foreign)[1]}`)).toBe(403);
});
