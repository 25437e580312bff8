/** Signatures that were made to cost time: an image is served, or refused with the reason, and each verdict is kept. */
import { getEventListeners } from 'node:events';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSignatureChecks } from '../../../src/upstream/check-signatures.ts';
import { Distribution } from '../../../src/db/schema/distributions.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import { kysely } from '../../../src/db/sql.ts';
import type { PolicyKey } from '../../../src/db/schema/signatures.ts';
import { addBlob, addImage, addManifest, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { askGraphql } from '../../support/api/graphql-client.ts';
import { pullPath } from '../../support/api/pull.ts';
import { startHarnessApi } from '../../support/api/harness-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { createCosignKey, signWithTag } from '../../support/signatures/real-signatures.ts';
import { answersWithReferrers, bundleType } from '../../support/signatures/signed-sample.ts';
import { until } from '../../support/until.ts';
import { startSyncHarness } from '../../support/sync/sync-harness.ts';
import type { SyncHarness } from '../../support/sync/sync-harness.ts';

const key = createCosignKey();
const content = createSampleRepository();
const mebibyte = 1024 * 1024;
/** JSON of this size, of as many values as fit. */
const large = (sizeBytes: number) => Buffer.from(`{"a":[${'[],'.repeat((sizeBytes - 10) / 3)}[]]}`);
const document = addBlob(content, large(4 * mebibyte - 100), bundleType);

function image(tag: string): Descriptor {
  const { digest, mediaType, size } = addImage(content, {
    seed: `crafted-${process.pid}-${tag}`,
    layers: [500],
    tag,
  });
  return { digest, mediaType, size };
}

/** A manifest that refers to an image as a signature does. */
function craft(subject: Descriptor, layers: readonly Descriptor[]): Descriptor {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: bundleType,
    config: addBlob(content, Buffer.from('{}'), mediaTypes.ociEmpty),
    layers,
    subject,
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
    },
  };
  return addManifest(content, manifest, mediaTypes.ociManifest);
}

const ofMany = Array.from({ length: 1_000 }, () => document);
const ofLarge = [1, 2, 3].map((n) => addBlob(content, large(4 * mebibyte - 100 * n), bundleType));

const signed = image('signed');
craft(signed, ofMany);
craft(signed, [document]);
signWithTag(content, { image: signed, key });
const many = image('many');
craft(many, ofMany);
const wide = image('wide');
craft(wide, ofLarge);
const huge = image('huge');
craft(huge, [addBlob(content, large(4 * mebibyte + 100), bundleType)]);

let harness: SyncHarness;
let repositoryId: number;
let api: HarnessApi;
let name: string;
let policy: PolicyKey;

beforeAll(async () => {
  harness = await startSyncHarness();
  const upstream = await openFakeUpstream({ fallback: answersWithReferrers(content) });
  const made = await harness.createRepository({ url: upstream.url, upstreamName: 'library/app' });
  ({ repositoryId } = made);
  ({ name } = made);
  expect((await harness.sync(made)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  await Promise.all([upstream.close(), harness.stopWorker()]);
  const em = harness.em();
  const row = em.create(SignaturePolicy, { name: 'crafted', keys: [key.pem] });
  await em.flush();
  (await em.findOneOrFail(Distribution, { repositoryId: made.repositoryId })).signaturePolicyId = row.id;
  await em.flush();
  policy = { policyId: row.id, revision: 1, dockerReference: null };
  api = await startHarnessApi(harness);
});
afterAll(async () => {
  await api?.close();
  await harness?.close();
});

const pull = (tag: string) => pullPath(api.url, `${name}/manifests/${tag}`);

interface Verdicts {
  readonly id: number;
  readonly isValid: boolean | null;
}

/** The signatures of an image, and what is kept of them. */
async function verdictsOf({ digest }: Descriptor): Promise<Verdicts[]> {
  const found = await sql<Verdicts>`
    select s.id, case when v.signature_id is not null then v.verified_by is not null end as "isValid"
    from signature s left join signature_verdict v on v.signature_id = s.id where s.signed_digest = ${digest}
    order by s.id`.execute(kysely(harness.em()));
  return found.rows;
}

test('an image is served by its cheapest valid signature, and the others are not looked at', async () => {
  const pulls = await Promise.all(Array.from({ length: 20 }, () => pull('signed')));
  expect(new Set(pulls.map(({ status }) => status))).toEqual(new Set([200]));
  const kept = (await verdictsOf(signed)).map(({ isValid }) => String(isValid));
  expect(kept.toSorted((a, b) => a.localeCompare(b))).toEqual(['null', 'null', 'true']);
});

describe('one that is over the budget is refused, and stays so', () => {
  test.each([
    { tag: 'many', of: many, reason: 'it has 1000 layers; at most 100 are read' },
    { tag: 'wide', of: wide, reason: /its layers have 1258\d{4} bytes; at most 8388608 are read/ },
    { tag: 'huge', of: huge, reason: /it has a layer of 4194\d{3} bytes; at most 4194304 are read/ },
  ])('$tag', async ({ tag, of, reason }) => {
    const { status, text } = await pull(tag);
    expect({ status, text }).toEqual({ status: 403, text: expect.stringMatching(reason) });
    expect(await verdictsOf(of)).toMatchObject([{ isValid: false }]);
  });
});

/** Gives nothing until whoever reads from it has gone. */
function openSilentStore() {
  const reads: { readonly ended: Promise<unknown> }[] = [];
  const { promise: begun, resolve: tell } = Promise.withResolvers<void>();
  const fetchNothing = (_: unknown, { signal }: { readonly signal?: AbortSignal } = {}) => {
    const ended = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    ended.catch(() => undefined);
    reads.push({ ended });
    tell();
    return ended;
  };
  return { reads, begun, store: { fetch: fetchNothing } };
}

async function newRevision(revision: number): Promise<PolicyKey> {
  await harness.em().nativeUpdate(SignaturePolicy, { id: policy.policyId }, { revision });
  return { ...policy, revision };
}

/** The one that can be checked: a payload under a tag. */
async function readableIds(): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select id from signature where signed_digest = ${signed.digest} and name like '%.sig'`.execute(
    kysely(harness.em()),
  );
  return found.rows.map(({ id }) => id);
}

describe('waiting callers', () => {
  test('shares one check, and the last one who leaves ends it', async () => {
    const { store, reads, begun } = openSilentStore();
    const checks = createSignatureChecks({ database: harness.database, store });
    const leaving = [new AbortController(), new AbortController()];
    const current = await newRevision(2);
    const one = readableIds();
    const waits = leaving.map(({ signal }) =>
      one.then((ids) => checks.check(current, ids, { repositoryId, signal })),
    );
    await begun;
    // both wait for this one check
    await until(() => leaving.every(({ signal }) => getEventListeners(signal, 'abort').length > 0));
    leaving[0]?.abort(new Error('the first has left'));
    await expect(waits[0]).rejects.toThrow('the first has left');
    leaving[1]?.abort(new Error('the second has left'));
    await expect(waits[1]).rejects.toThrow('the second has left');
    expect(reads).toHaveLength(1);
    await expect(reads[0]?.ended).rejects.toThrow('the second has left');
  });

  test('no longer than the time that they give', async () => {
    const { store, begun } = openSilentStore();
    const checks = createSignatureChecks({ database: harness.database, store });
    const current = await newRevision(3);
    const time = new AbortController();
    const wait = checks.check(current, await readableIds(), { repositoryId, budget: time.signal });
    await begun;
    time.abort();
    expect(await wait).toBe('out-of-time');
    expect(await checks.check(current, await readableIds(), { repositoryId, budget: time.signal })).toBe(
      'out-of-time',
    );
  });

  test('for Tag.verified, and has left, ends the check', async () => {
    const { store, reads, begun } = openSilentStore();
    const other = await startHarnessApi({ ...harness, store: { ...harness.store, fetch: store.fetch } });
    try {
      await newRevision(4);
      await sql`update repository set signature_policy_id = ${policy.policyId}`.execute(kysely(harness.em()));
      const client = new AbortController();
      const query = `{ repositories(first: 1) { nodes { latestVersion { tags(first: 50) { nodes { verified { isVerified } } } } } } }`;
      const asked = askGraphql(other.url, { query, signal: client.signal });
      await begun;
      client.abort();
      await expect(asked).rejects.toThrow();
      for (const { ended } of reads) await expect(ended).rejects.toThrow();
    } finally {
      await other.close();
    }
  });
});
