/** A repository with a signature policy that is pushed to: nothing is served before it is signed, and it can be signed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { Distribution } from '../../../src/db/schema/distributions.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { startHarnessApi } from '../../support/api/harness-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { createCosignKey, signWithBundle, signWithTag } from '../../support/signatures/real-signatures.ts';
import { companionName } from '../../support/signatures/signed-sample.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';

const name = 'team/app';
const key = createCosignKey();
const content = createSampleRepository();
const image = addImage(content, { seed: `push-policy-${process.pid}`, layers: [500] });

let harness: SyncHarness;
let api: HarnessApi;
let distributionId: number;

beforeAll(async () => {
  harness = await startSyncHarness();
  await harness.stopWorker();
  api = await startHarnessApi(harness);
  await push(addImage(content, { seed: `push-policy-first-${process.pid}`, layers: [500] }), 'first');
  const em = harness.em();
  const policy = em.create(SignaturePolicy, { name: 'team/policy', keys: [key.pem] });
  await em.flush();
  (await em.findOneOrFail(Repository, { name })).signaturePolicyId = policy.id;
  await em.flush();
  distributionId = (await em.findOneOrFail(Distribution, { basePath: name })).id;
});
afterAll(async () => {
  await api?.close();
  await harness?.close();
});

async function push({ digest, mediaType }: Descriptor, reference: string): Promise<void> {
  const document = content.manifests.get(digest);
  if (document === undefined) throw new Error(`no ${digest}`);
  const { config, layers } = JSON.parse(document.bytes.toString()) as {
    config: Descriptor;
    layers: Descriptor[];
  };
  for (const blob of [config, ...layers]) {
    const url = `${api.url}/v2/${name}/blobs/uploads/?digest=${blob.digest}`;
    const body = new Uint8Array(content.blobs.get(blob.digest) ?? Buffer.alloc(0));
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(201);
  }
  const url = `${api.url}/v2/${name}/manifests/${reference}`;
  const headers = { 'content-type': mediaType };
  const answer = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(document.bytes) });
  expect(answer.status).toBe(201);
}

async function statuses(): Promise<Record<string, number>> {
  const layer = (
    JSON.parse(content.manifests.get(image.digest)?.bytes.toString() ?? '') as { layers: Descriptor[] }
  ).layers[0];
  const paths = {
    tag: 'manifests/v1',
    manifest: `manifests/${image.digest}`,
    layer: `blobs/${layer?.digest}`,
    first: 'manifests/first',
  };
  const answers = Object.entries(paths).map(async ([what, path]) => {
    const { status } = await fetch(`${api.url}/v2/${name}/${path}`);
    return [what, status] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

test('an unsigned image is pushed and not served; signed by its digest, it is', async () => {
  await push(image, 'v1');
  // the manifest is there to be signed, and nothing that could be run
  expect(await statuses()).toEqual({ tag: 403, manifest: 200, layer: 403, first: 403 });
  await push(signWithTag(content, { image, key }), companionName(image, '.sig'));
  expect(await statuses()).toEqual({ tag: 200, manifest: 200, layer: 200, first: 403 });
});

test('a distribution says which policy is in force', async () => {
  const { data } = await api.graphql(
    'query ($id: ID!) { node(id: $id) { ... on Distribution { signaturePolicy { name } signaturePolicyInForce { name } signaturePoliciesInForce { name } } } }',
    { id: toGlobalId('Distribution', distributionId) },
  );
  const general = { name: 'team/policy' };
  expect(data).toEqual({
    node: { signaturePolicy: null, signaturePolicyInForce: general, signaturePoliciesInForce: [general] },
  });
});

test('referrers of an absent subject are not listed', async () => {
  const absent = addImage(content, { seed: `push-policy-absent-${process.pid}`, layers: [500] });
  const referrer = signWithBundle(content, { image: absent, key });
  await push(referrer, referrer.digest);
  const answer = await fetch(`${api.url}/v2/${name}/referrers/${absent.digest}`);
  expect({ status: answer.status, body: await answer.json() }).toMatchObject({
    status: 200,
    body: { manifests: [] },
  });
  // with its subject they are
  await push(absent, absent.digest);
  const listed = await fetch(`${api.url}/v2/${name}/referrers/${absent.digest}`);
  expect(await listed.json()).toMatchObject({ manifests: [{ digest: referrer.digest }] });
});
