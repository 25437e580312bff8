/** fault 67 to 77 and 115, by their rows. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweepUploads } from '../../../src/api/sweep.ts';
import { openUpload } from '../../../src/db/content/uploads.ts';
import { addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { errorCode, startPushScene } from '../../support/api/push-scene.ts';
import type { PushScene } from '../../support/api/push-scene.ts';
import { bytes, digest, manifestType, chunk, idOf } from '../../support/api/raw-push.ts';

let scene: PushScene;
beforeAll(async () => {
  scene = await startPushScene();
});
afterAll(() => scene?.close());

test('fault 67: a manifest that is not its digest is refused, and nothing is stored', async () => {
  const content = createSampleRepository();
  const image = addImage(content, { seed: '67', layers: [500] });
  for (const [blob, body] of content.blobs) await scene.pushBlob('fault/67', blob, body);
  const answer = await scene.send('PUT', `/v2/fault/67/manifests/${digest}`, {
    headers: manifestType,
    body: content.manifests.get(image.digest)?.bytes,
  });
  expect([answer.status, errorCode(answer)]).toEqual([400, 'DIGEST_INVALID']);
  expect(await scene.latest('fault/67')).toBe(0);
  expect(
    await scene.api.sql('select from manifest where digest = any($1)', [[digest, image.digest]]),
  ).toEqual([]);
});

describe('fault 68: a manifest of more than 4 MiB answers 413, and the connection is closed', () => {
  test('before any of it came, where its length is told', async () => {
    expect(await talk(head('Content-Length: 500000000'), [])).toMatch(
      /^HTTP\/1\.1 413 [^]*connection: close[^]*SIZE_INVALID/i,
    );
  });
  test('once too much of it came, where it is not', async () => {
    const chunks = Array.from({ length: 4 * 16 + 1 }, () => `10000\r\n${'x'.repeat(65_536)}\r\n`);
    expect(await talk(head('Transfer-Encoding: chunked'), chunks)).toMatch(
      /^HTTP\/1\.1 413 [^]*connection: close[^]*SIZE_INVALID/i,
    );
  });
});

test('fault 69: blobs and manifests that are not there are named; those of other repositories do not count', async () => {
  const content = createSampleRepository();
  const image = addImage(content, { seed: '69', layers: [500], tag: 'there' });
  const index = addIndex(content, { manifests: [image] });
  await scene.pushSample('fault/69-other', content);
  await scene.begin('fault/69');
  for (const [{ digest: pushed }, lacking] of [
    [image, [...content.blobs.keys()]],
    [index, [image.digest]],
  ] as const) {
    const document = content.manifests.get(pushed);
    const answer = await scene.send('PUT', '/v2/fault/69/manifests/here', {
      headers: { 'content-type': document?.mediaType ?? '' },
      body: document?.bytes,
    });
    expect([answer.status, errorCode(answer)]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
    for (const one of lacking) expect(String(answer.body)).toContain(one);
  }
  expect(await scene.latest('fault/69')).toBe(0);
});

test('fault 70: a chunk that is out of order, overlaps or leaves a gap answers 416 with the range there is', async () => {
  const location = await scene.begin('fault/70');
  await scene.send('PATCH', location, chunk(0, 8));
  for (const [from, to] of [
    [4, 12],
    [0, 8],
    [10, 16],
  ] as const) {
    const answer = await scene.send('PATCH', location, chunk(from, to));
    expect([answer.status, answer.headers.range, answer.headers.location]).toEqual([416, '0-7', location]);
  }
  expect((await scene.send('PUT', `${location}?digest=${digest}`, chunk(8, 16))).status).toBe(201);
});

test('fault 71: a final request with the wrong digest is refused, the upload can be finished rightly or cancelled; then it is gone', async () => {
  const wrong = digestBytes(Buffer.from('other'));
  const [first, second] = [await scene.begin('fault/71'), await scene.begin('fault/71')];
  for (const location of [first, second]) {
    const answer = await scene.send('PUT', `${location}?digest=${wrong}`, { body: bytes });
    expect([answer.status, errorCode(answer)]).toEqual([400, 'DIGEST_INVALID']);
  }
  expect((await scene.send('GET', `/v2/fault/71/blobs/${wrong}`)).status).toBe(404);
  expect((await scene.send('PUT', `${first}?digest=${digest}`)).status).toBe(201);
  expect((await scene.send('DELETE', second)).status).toBe(204);
  for (const location of [first, second])
    expect((await scene.send('PATCH', location, chunk(0, 4))).status).toBe(404);
});

test('fault 72: of two that write one upload at once one wins, and the bytes are never mixed', async () => {
  const location = await scene.begin('fault/72');
  const bodies = ['a', 'b'].map((letter) => Buffer.from(letter.repeat(200_000)));
  const headers = { 'content-range': '0-199999' };
  const answers = await Promise.all(bodies.map((body) => scene.send('PATCH', location, { headers, body })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 416]));
  const winner = bodies[answers.findIndex(({ status }) => status === 202)] ?? Buffer.alloc(0);
  expect((await scene.send('PUT', `${location}?digest=${digestBytes(winner)}`)).status).toBe(201);
});

test('fault 72: of many that put one tag at once each makes its version, and one is the last', async () => {
  const content = createSampleRepository();
  const images = Array.from({ length: 6 }, (_, number) =>
    addImage(content, { seed: `72-${number}`, layers: [100] }),
  );
  for (const [blob, body] of content.blobs) await scene.pushBlob('fault/72-tags', blob, body);
  const answers = await Promise.all(
    images.map((image) =>
      scene.send('PUT', '/v2/fault/72-tags/manifests/one', {
        headers: manifestType,
        body: content.manifests.get(image.digest)?.bytes,
      }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(images.map(() => 201));
  expect(await scene.latest('fault/72-tags')).toBe(6);
  const { headers } = await scene.send('HEAD', '/v2/fault/72-tags/manifests/one');
  expect(images.map((image) => image.digest)).toContain(headers['docker-content-digest']);
});

describe('fault 73', () => {
  test('the bytes of a client that died stay, can be continued, and expire with their file', async () => {
    const [kept, expired] = [await scene.begin('fault/73'), await scene.begin('fault/73')];
    const large = Buffer.alloc(1_500_000, 'large');
    const offset = await dieAfter(kept, large.subarray(0, 1_000_000));
    await dieAfter(expired, large.subarray(0, 1_000_000));
    expect((await scene.send('GET', kept)).headers.range).toBe(`0-${offset - 1}`);
    const files = await scene.uploadFiles();
    expect(files).toEqual(expect.arrayContaining([idOf(kept), idOf(expired)]));
    await scene.api.sql(`update upload set touched_at = now() - interval '25 hours' where id = $1`, [
      idOf(expired),
    ]);
    const { database } = scene.api;
    await sweepUploads({ database, uploads: scene.uploads, logger: silent });
    expect(await scene.uploadFiles()).not.toContain(idOf(expired));
    expect((await scene.send('GET', expired)).status).toBe(404);
    const rest = large.subarray(offset);
    const headers = { 'content-range': `${offset}-${large.length - 1}` };
    const finished = await scene.send('PUT', `${kept}?digest=${digestBytes(large)}`, { headers, body: rest });
    expect(finished.status).toBe(201);
  });

  test('as many uploads as may be open, and not one more', async () => {
    await scene.begin('fault/73-cap');
    const [row] = await scene.api.sql(
      'select repository_id as id, (select count(*) from upload) as open from upload limit 1',
    );
    const open = Number(row?.['open']);
    const caps = { maxOpen: open + 3, maxBytes: 1_000_000, maxOpenEach: 2, maxBytesEach: 1_000_000 };
    const begin = (owner: string, change: object = {}) =>
      openUpload(
        scene.api.database.em.fork(),
        { id: randomUUID(), repositoryId: Number(row?.['id']), owner },
        { ...caps, ...change },
      );
    const refused = { code: 'TOOMANYREQUESTS' };
    await begin('token one');
    await begin('token one');
    // one owner does not take what is left for others
    await expect(begin('token one')).rejects.toMatchObject(refused);
    await begin('token two');
    await expect(begin('token three')).rejects.toMatchObject(refused);
    await expect(begin('token four', { maxOpen: open + 9, maxBytesEach: 0 })).rejects.toMatchObject(refused);
  });

  test('a blob that no manifest came to refer to is served no longer after a day', async () => {
    await scene.pushBlob('fault/73-blob', digest, bytes);
    expect((await scene.send('HEAD', `/v2/fault/73-blob/blobs/${digest}`)).status).toBe(200);
    await scene.api.sql(`update repository_blob set uploaded_at = now() - interval '25 hours'
      where repository_id = (select id from repository where name = 'fault/73-blob')`);
    expect((await scene.send('HEAD', `/v2/fault/73-blob/blobs/${digest}`)).status).toBe(404);
  });
});

const silent = { info: () => undefined, warn: () => undefined } as never;

/** Sends a part of a body, waits until some of it is in the file, and breaks the connection; answers how far the upload is then. */
async function dieAfter(location: string, part: Buffer): Promise<number> {
  const { hostname, port } = new URL(scene.api.url);
  const headers = { 'content-length': 10 * part.length };
  const options = { hostname, port, path: location, method: 'PATCH', headers, agent: false };
  const dying: ClientRequest = request(options);
  dying.on('error', () => undefined);
  dying.write(part);
  const id = idOf(location);
  await expect.poll(() => scene.uploads.sizeOf(id)).toBeGreaterThan(0);
  dying.destroy();
  const row = async () => {
    const [upload] = await scene.api.sql('select offset_bytes from upload where id = $1', [id]);
    return Number(upload?.['offset_bytes']);
  };
  await expect.poll(row).toBeGreaterThan(0);
  return row();
}

function head(length: string): string {
  return `PUT /v2/fault/68/manifests/a HTTP/1.1\r\nHost: ${new URL(scene.api.url).host}\r\n${length}\r\n\r\n`;
}

function talk(start: string, chunks: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(scene.api.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (data) => (answer += String(data)));
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
    socket.on('close', () => resolve(answer));
    socket.write(start);
    for (const part of chunks) socket.write(part);
  });
}
