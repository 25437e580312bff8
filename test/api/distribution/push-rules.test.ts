/** fault 67 to 77 and 115, by their rows. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFolderStore } from '../../../src/content/folder/folder-store.ts';
import { openUploadFolder } from '../../../src/content/folder/upload-folder.ts';
import { createBlobLocks } from '../../../src/db/content/blob-lock.ts';
import { uploadedBlobLock } from '../../../src/db/content/uploads.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { errorCode, startPushScene } from '../../support/api/push-scene.ts';
import type { PushScene, Sent } from '../../support/api/push-scene.ts';
import { bytes, digest, manifestType, chunk, idOf } from '../../support/api/raw-push.ts';

let scene: PushScene;
beforeAll(async () => {
  scene = await startPushScene();
});
afterAll(() => scene?.close());

test('a push waits for nobody who pushes the same blob', async () => {
  const others = createBlobLocks(scene.api.databaseUrl);
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const never = new AbortController().signal;
  const other = others.withShared(uploadedBlobLock(digest), never, () => held);
  await scene.pushBlob('fault/beside', digest, bytes);
  letGo();
  await other;
  await others.close();
});

const mountFrom = (from: string) => `/v2/fault/74/blobs/uploads/?mount=${digest}&from=${from}`;

test('fault 74: a mount from a repository that the caller cannot read is an upload, as if it were absent', async () => {
  await scene.pushBlob('fault/74-secret', digest, bytes);
  await scene.api.sql(`update distribution set is_private = true where base_path = 'fault/74-secret'`);
  for (const from of ['fault/74-secret', 'fault/74-absent', '../etc'])
    expect((await scene.send('POST', mountFrom(from))).status).toBe(202);
  expect((await scene.send('HEAD', `/v2/fault/74/blobs/${digest}`)).status).toBe(404);
});

test('fault 76: a mirror, and what is pinned, takes no push and no deletion, of blobs, manifests or tags', async () => {
  const content = createSampleRepository();
  const image = addImage(content, { seed: '76', layers: [500], tag: 'v1' });
  await scene.pushSample('fault/76', content);
  const location = await scene.begin('fault/76');
  const body = content.manifests.get(image.digest)?.bytes;
  const requests: [string, string, Sent?][] = [
    ['POST', '/v2/fault/76/blobs/uploads/'],
    ['POST', `/v2/fault/76/blobs/uploads/?mount=${digest}&from=fault/70`],
    ['PATCH', location, { body: bytes }],
    ['PUT', `${location}?digest=${digest}`, { body: bytes }],
    ['DELETE', location],
    ['DELETE', `/v2/fault/76/blobs/${[...content.blobs.keys()][0]}`],
    ['PUT', '/v2/fault/76/manifests/v2', { headers: manifestType, body }],
    ['PUT', `/v2/fault/76/manifests/${image.digest}`, { headers: manifestType, body }],
    ['DELETE', '/v2/fault/76/manifests/v1'],
    ['DELETE', `/v2/fault/76/manifests/${image.digest}`],
  ];
  const before = await scene.latest('fault/76');
  const states = [
    [`update repository set is_mirrored = true where name = 'fault/76'`, 'is a mirror'],
    [`update repository set is_mirrored = false where name = 'fault/76'`, undefined],
    [`update distribution set version = ${before} where base_path = 'fault/76'`, 'is pinned'],
  ] as const;
  for (const [statement, reason] of states) {
    await scene.api.sql(statement);
    if (reason === undefined) continue;
    for (const sent of requests) {
      const answer = await scene.send(...sent);
      expect([sent[0], sent[1], answer.status, errorCode(answer)]).toEqual([sent[0], sent[1], 403, 'DENIED']);
      expect(String(answer.body)).toContain(reason);
    }
  }
  expect(await scene.latest('fault/76')).toBe(before);
  expect((await scene.send('HEAD', '/v2/fault/76/manifests/v1')).status).toBe(200);
});

test('fault 77: tags given with a digest are written all or none, and at most 100', async () => {
  const content = createSampleRepository();
  const image = addImage(content, { seed: '77', layers: [500] });
  for (const [blob, body] of content.blobs) await scene.pushBlob('fault/77', blob, body);
  const put = (tags: readonly string[]) =>
    scene.send('PUT', `/v2/fault/77/manifests/${image.digest}?${tags.map((tag) => `tag=${tag}`).join('&')}`, {
      headers: manifestType,
      body: content.manifests.get(image.digest)?.bytes,
    });
  const many = Array.from({ length: 101 }, (_, number) => `t${number}`);
  for (const tags of [['good', '-bad'], many]) expect((await put(tags)).status).toBe(400);
  expect(await scene.latest('fault/77')).toBe(0);
  expect((await put(['one', 'two'])).headers['oci-tag']).toBe('one, two');
  expect(await scene.latest('fault/77')).toBe(1);
  expect(String((await scene.send('GET', '/v2/fault/77/tags/list')).body)).toContain('["one","two"]');
});

test('fault 84: a push repairs a blob whose file was damaged', async () => {
  const store = await openFolderStore({ root: scene.folder, fsync: false });
  await scene.pushBlob('fault/84', digest, bytes);
  await store.delete({ digest });
  await scene.pushBlob('fault/84', digest, bytes);
  expect((await scene.send('GET', `/v2/fault/84/blobs/${digest}`)).body).toEqual(bytes);
});

test('fault 115: an upload goes on after a restart; what was hashed before it is hashed again', async () => {
  const location = await scene.begin('fault/115');
  const id = idOf(location);
  await scene.send('PATCH', location, chunk(0, 8));
  const store = await openFolderStore({ root: scene.folder, fsync: false });
  const restarted = await openUploadFolder({ root: scene.folder, blobs: store });
  expect(await restarted.sizeOf(id)).toBe(8);
  await restarted.append(id, inOne(bytes.subarray(8)));
  expect(await restarted.finish(id, digest)).toEqual({ sizeBytes: 16 });
  expect(await restarted.sizeOf(id)).toBeUndefined();
  expect(await store.exists({ digest, size: 16 })).toBe(true);
});

async function* inOne(part: Buffer): AsyncGenerator<Uint8Array> {
  yield part;
}
