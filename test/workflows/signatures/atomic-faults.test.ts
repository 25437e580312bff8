/** Atomic signatures from a dedicated store and from the API extension of a registry. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStage } from '../../support/sync/stage.ts';
import type { Stage } from '../../support/sync/stage.ts';
import { manyPackets } from '../../support/signatures/atomic-bomb.ts';
import { atomicPayload, createSigner } from '../../support/signatures/atomic-signature.ts';
import type { Signer } from '../../support/signatures/atomic-signature.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { routeOf, atomicScenes } from '../../support/signatures/atomic-scenes.ts';

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

const { openWithStore } = atomicScenes(() => ({ stage, signer, stores }));

describe('fault 58: an answer that is no signature is left out with a warning', async () => {
  test.concurrent.each<[string, Answer]>([
    ['a web page', { headers: { 'content-type': 'text/html' }, body: '<html>Please log in</html>' }],
    ['a web page without its type', { body: '\n <!DOCTYPE html><p>Please log in' }],
    ['a refusal', { status: 403, body: 'no' }],
    ['bytes that are no OpenPGP message', { body: Buffer.alloc(300, 7) }],
    ['half a million packets in a thousand bytes', { body: await manyPackets() }],
    ['an empty body', { body: '' }],
    ['more than 4 MiB', { body: Buffer.alloc(4 * 1024 * 1024 + 1, 7) }],
  ])('%s', async (_, answer) => {
    const scene = await openWithStore();
    const { good } = scene.digests;
    scene.put(good, 1, answer);
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect(outcome.summary?.present).toMatchObject({ tags: 2, signatures: 0 });
    expect(outcome.warnings).toEqual([expect.stringContaining(good)]);
  });

  test.concurrent('a mirror keeps the signature that it has while the store shows a web page', async () => {
    const scene = await openWithStore();
    const { good } = scene.digests;
    scene.put(good, 1, await signer.sign(atomicPayload(good)));
    await scene.sync();
    scene.put(good, 1, { headers: { 'content-type': 'text/html' }, body: '<html>' });
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toHaveLength(1);
  });

  test.concurrent('a store in trouble is tried again', async () => {
    const scene = await openWithStore();
    const { good } = scene.digests;
    const signature = await signer.sign(atomicPayload(good));
    scene.store.on(routeOf(good, 1), { status: 503 }, { body: signature });
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect(outcome.summary?.present.signatures).toBe(1);
  });

  test.concurrent('a store that stays in trouble is a warning, and a mirror keeps what it has', async () => {
    const scene = await openWithStore();
    const { good } = scene.digests;
    scene.put(good, 1, await signer.sign(atomicPayload(good)));
    await scene.sync();
    scene.put(good, 1, { status: 500 });
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toEqual([expect.stringMatching(/Signatures of .* were left out: GET .* 500/)]);
    expect(outcome.summary?.present.signatures).toBe(1);
  });
});

test('fault 59: a signature of another manifest is not attached, with a warning that names both', async () => {
  const scene = await openWithStore();
  const { good, multi } = scene.digests;
  scene.put(good, 1, await signer.sign(atomicPayload(multi)));
  const outcome = await scene.sync();
  expect(outcome.summary?.present.signatures).toBe(0);
  expect(outcome.warnings).toEqual([expect.stringMatching(`${good}.*${multi}.*not attached`)]);
});

test.each([
  ['of another type', { critical: { type: 'something else' } }],
  ['without a digest', { critical: { type: 'atomic container signature', image: {} } }],
  ['that is no object', 'text'],
  ['with odd optional values', { ...atomicPayload('x'), optional: { creator: 7, timestamp: 'now' } }],
])('a payload %s is left out with a warning', async (_, payload) => {
  const scene = await openWithStore();
  scene.put(scene.digests.good, 1, await signer.sign(payload));
  const outcome = await scene.sync();
  expect(outcome.task.state).toBe('COMPLETED');
  expect(outcome.summary?.present.signatures).toBe(0);
  expect(outcome.warnings).toEqual([expect.stringContaining('cannot be read')]);
});

test('fault 60: 10,000 signatures of one manifest are taken, and not one more', async () => {
  const scene = await openWithStore();
  const { good } = scene.digests;
  const signature = await signer.sign(atomicPayload(good));
  const prefix = routeOf(good, 1).slice('GET '.length, -1);
  const seen = { last: 0 };
  const endless = await openFakeUpstream({
    fallback: (request, response) => {
      const path = request.url ?? '';
      if (!path.startsWith(prefix)) return void response.writeHead(404).end();
      seen.last = Number(path.slice(prefix.length));
      // a packet of a private type, which means nothing, makes each signature another one (RFC 9580 section 4.3)
      const packet = Buffer.from([0xc0 | 60, 4, 0, 0, 0, 0]);
      packet.writeUInt32BE(seen.last, 2);
      response.end(Buffer.concat([signature, packet]));
    },
  });
  stores.push(endless);
  await scene.harness.updateRemote(scene.ids.remoteId, { sigstore: `${endless.url}/sigs` });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect(seen.last).toBe(10_001);
  expect(outcome.warnings).toEqual([expect.stringContaining('more than 10000 signatures')]);
  expect(outcome.summary?.present.signatures).toBe(10_000);
});
