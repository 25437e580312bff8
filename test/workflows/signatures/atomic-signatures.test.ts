/** Atomic signatures from a dedicated store and from the API extension of a registry. */
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { kysely } from '../../../src/db/sql.ts';
import { moveTag, removeTag } from '../../../src/demo/sample-image.ts';
import { openStage, upstreamName } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import { atomicPayload, createSigner } from '../../support/signatures/atomic-signature.ts';
import type { Signer } from '../../support/signatures/atomic-signature.ts';
import { json, openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { nothing, digestsOf, routeOf, atomicScenes } from '../../support/signatures/atomic-scenes.ts';
import type { StoreScene } from '../../support/signatures/atomic-scenes.ts';

let stage: Stage;
let signer: Signer;
const stores: FakeUpstream[] = [];
beforeAll(async () => {
  [stage, signer] = await Promise.all([openStage(), createSigner()]);
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await stage.close();
});

interface Row {
  readonly signed: string;
  readonly keyId: string | null;
  readonly creator: string | null;
  readonly reference: string | null;
  readonly at: Date | null;
}

async function readRows({ harness, ids }: Scene, version: number): Promise<Row[]> {
  const found = await sql<Row>`
    select s.signed_digest as signed, s.key_id as "keyId", s.creator, s.docker_reference as reference, s.signed_at as at
    from membership m join signature s on s.id = m.content_id and s.kind = 'ATOMIC'
    where m.repository_id = ${ids.repositoryId} and m.kind = 'signature' and m.added_in <= ${version}
      and (m.removed_in is null or m.removed_in > ${version}) order by s.id`.execute(kysely(harness.em()));
  return found.rows.map((row) => ({ ...row, at: row.at && new Date(row.at) }));
}

const { openWithStore } = atomicScenes(() => ({ stage, signer, stores }));

test('the signature store is asked for every manifest and child, and the payload’s fields are stored', async () => {
  const scene = await openWithStore();
  const { good, multi, children } = scene.digests;
  const optional = { creator: 'skopeo 1', timestamp: 1_458_239_713 };
  for (const digest of [good, multi, ...children])
    scene.put(digest, 1, await signer.sign(atomicPayload(digest, optional)));
  scene.put(good, 2, await signer.sign(atomicPayload(good)));
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
  expect(outcome.warnings).toEqual([]);
  expect(outcome.summary?.present).toMatchObject({ tags: 2, signatures: 5 });
  expect(outcome.counts?.signaturesDone).toBe(5);
  const rows = await readRows(scene, 1);
  expect(rows.map(({ signed }) => signed).sort()).toEqual([good, good, multi, ...children].sort());
  expect(rows.filter(({ creator }) => creator !== null)).toHaveLength(4);
  expect(rows.find(({ creator }) => creator !== null)).toMatchObject({
    keyId: signer.keyId,
    creator: 'skopeo 1',
    reference: 'registry.example/library/app:v1',
    at: new Date(1_458_239_713_000),
  });
  expect((await scene.sync({ mirror: true })).task.createdVersion).toBe(null);
});

test('a new signature creates a version; a mirror sync removes signatures that upstream removed, or whose image left', async () => {
  const scene = await openWithStore();
  const { good, multi } = scene.digests;
  await scene.sync();
  scene.put(good, 1, await signer.sign(atomicPayload(good)));
  scene.put(multi, 1, await signer.sign(atomicPayload(multi)));
  expect((await scene.sync()).summary?.added).toEqual({ blobs: 0, manifests: 0, tags: 0, signatures: 2 });
  scene.put(good, 1, nothing);
  expect((await scene.sync()).task.createdVersion).toBe(null);
  expect((await scene.sync({ mirror: true })).summary?.removed).toMatchObject({ signatures: 1, tags: 0 });
  removeTag(scene.repository, 'multi');
  const mirrored = await scene.sync({ mirror: true });
  expect(mirrored.summary).toMatchObject({ removed: { signatures: 1, tags: 1 }, present: { signatures: 0 } });
});

test('a clean-up removes atomic signatures with the manifest that they sign, and no others', async () => {
  const scene = await openWithStore();
  const { good, multi } = scene.digests;
  for (const digest of [good, multi]) scene.put(digest, 1, await signer.sign(atomicPayload(digest)));
  await scene.sync();
  removeTag(scene.repository, 'multi');
  await scene.sync({ mirror: true });
  const left = async () => {
    expect((await stage.harness.upkeep('content.collect')).state).toBe('COMPLETED');
    const found = await sql<{ signed: string }>`
      select signed_digest as signed from signature where signed_digest = any(${[good, multi]}::text[])
      order by signed`.execute(kysely(stage.harness.em()));
    return found.rows.map(({ signed }) => signed);
  };
  // the first version has it still
  expect(await left()).toEqual([good, multi].sort());
  await stage.harness.em().nativeUpdate(Repository, { id: scene.ids.repositoryId }, { retainVersions: 1 });
  expect(await left()).toEqual([good]);
  expect((await readRows(scene, 2)).map(({ signed }) => signed)).toEqual([good]);
});

test('fault 57: a gap in the numbers ends the signatures of a manifest, without an error', async () => {
  const scene = await openWithStore();
  const { good } = scene.digests;
  scene.put(good, 1, await signer.sign(atomicPayload(good, { timestamp: 1 })));
  scene.put(good, 3, await signer.sign(atomicPayload(good, { timestamp: 3 })));
  const outcome = await scene.sync();
  expect(outcome.summary?.present.signatures).toBe(1);
  expect(outcome.warnings).toEqual([]);
  expect(scene.store.requestsOf(routeOf(good, 3))).toEqual([]);
});

const toEntry = (content: Buffer, more: object = {}) => ({
  schemaVersion: 2,
  name: 'sha256:x@1',
  type: 'atomic',
  content: content.toString('base64'),
  ...more,
});
const extensionRoute = (digest: string) => `GET /extensions/v2/${upstreamName}/signatures/${digest}`;

async function openWithExtension(remote: object = {}): Promise<Scene & Pick<StoreScene, 'digests'>> {
  const scene = await stage.open({ remote });
  scene.upstream.on('GET /v2/', json({}, { 'x-registry-supports-signatures': '1' }));
  return { ...scene, digests: digestsOf(scene) };
}

describe('the API extension', () => {
  test('is used where the registry has it; other kinds of signatures in its list are left out', async () => {
    const scene = await openWithExtension();
    const { good } = scene.digests;
    const signature = await signer.sign(atomicPayload(good));
    scene.upstream.on(
      extensionRoute(good),
      json({
        signatures: [
          toEntry(signature),
          toEntry(signature, { type: 'other' }),
          toEntry(signature, { schemaVersion: 3 }),
        ],
      }),
    );
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect(outcome.summary?.present.signatures).toBe(1);
    expect(outcome.warnings).toEqual([]);
    scene.upstream.on(extensionRoute(good), json({ signatures: null }));
    expect((await scene.sync({ mirror: true })).summary?.removed.signatures).toBe(1);
  });

  test('is not used beside a dedicated store', async () => {
    const store = await openFakeUpstream({ fallback: nothing });
    stores.push(store);
    const scene = await openWithExtension({ sigstore: store.url });
    await scene.sync();
    expect(scene.upstream.requests.filter(({ path }) => path.startsWith('/extensions/'))).toEqual([]);
    expect(store.requests.length).toBe(4);
  });

  test.each<[string, Answer]>([
    ['a web page', { headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['no list', json({ signatures: 'none' })],
    ['a signature without content', json({ signatures: [{ schemaVersion: 2, type: 'atomic' }] })],
  ])('%s is a warning', async (_, answer) => {
    const scene = await openWithExtension();
    scene.upstream.on(extensionRoute(scene.digests.good), answer);
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect(outcome.warnings).toEqual([expect.stringContaining(scene.digests.good)]);
  });

  test('asks for nothing where the registry does not say that it has it', async () => {
    const scene = await stage.open();
    await scene.sync();
    moveTag(scene.repository, 'again', { digest: scene.repository.tags.get('good') ?? ('' as never) });
    await scene.sync();
    expect(scene.upstream.requests.filter(({ path }) => path.startsWith('/extensions/'))).toEqual([]);
  });
});
