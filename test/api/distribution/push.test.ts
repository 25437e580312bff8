/** What distribution-spec says of pushing, a row a sentence. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { errorCode, startPushScene } from '../../support/api/push-scene.ts';
import type { PushScene, Sent } from '../../support/api/push-scene.ts';

let scene: PushScene;
beforeAll(async () => {
  scene = await startPushScene();
});
afterAll(() => scene?.close());

const bytes = Buffer.from('some bytes of a blob');
const digest = digestBytes(bytes);
const absent = digestBytes(Buffer.from('nobody has this'));

describe('blobs', () => {
  interface Way {
    readonly name: string;
    readonly push: (name: string) => Promise<number[]>;
  }
  const ways: Way[] = [
    {
      name: 'POST with digest takes a blob in one request',
      push: async (name) => [
        (await scene.send('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes })).status,
      ],
    },
    {
      name: 'POST, then PUT with all of it',
      push: async (name) => {
        const location = await scene.begin(name);
        return [(await scene.send('PUT', `${location}?digest=${digest}`, { body: bytes })).status];
      },
    },
    {
      name: 'POST, PATCH as a stream, PUT without a body',
      push: async (name) => {
        const location = await scene.begin(name);
        const patched = await scene.send('PATCH', location, { body: bytes });
        const put = await scene.send('PUT', `${location}?digest=${digest}`);
        return [patched.status, put.status];
      },
    },
    {
      name: 'POST, chunks by PATCH, the last by PUT',
      push: async (name) => {
        const location = await scene.begin(name);
        const patched = await scene.send('PATCH', location, chunk(0, 8));
        expect(patched.headers).toMatchObject({ location, range: '0-7' });
        const status = await scene.send('GET', location);
        expect([status.status, status.headers.range]).toEqual([204, '0-7']);
        const put = await scene.send('PUT', `${location}?digest=${digest}`, chunk(8, bytes.length));
        return [patched.status, put.status];
      },
    },
    {
      name: 'the digest may be a sha512',
      push: async (name) => {
        const other = digestBytes(bytes, 'sha512');
        const { status } = await scene.send('POST', `/v2/${name}/blobs/uploads/?digest=${other}`, {
          body: bytes,
        });
        expect((await scene.send('GET', `/v2/${name}/blobs/${other}`)).body).toEqual(bytes);
        await scene.pushBlob(name, digest, bytes);
        return [status];
      },
    },
  ];
  test.each(ways)('$name; it is served at once', async ({ name, push }) => {
    const repository = `ways/${digestBytes(Buffer.from(name)).slice(7, 20)}`;
    const statuses = await push(repository);
    expect(statuses.at(-1)).toBe(201);
    expect(statuses.slice(0, -1).every((status) => status === 202)).toBe(true);
    const { status, headers, body } = await scene.send('GET', `/v2/${repository}/blobs/${digest}`);
    expect([status, headers['docker-content-digest'], body]).toEqual([200, digest, bytes]);
    expect(await scene.latest(repository)).toBe(0);
  });

  test('an empty blob can be pushed', async () => {
    const empty = digestBytes(Buffer.alloc(0));
    await scene.pushBlob('ways/empty', empty, Buffer.alloc(0));
    const { status, headers } = await scene.send('GET', `/v2/ways/empty/blobs/${empty}`);
    expect([status, headers['content-length']]).toEqual([200, '0']);
  });

  interface Refusal {
    readonly name: string;
    readonly send: () => Promise<[method: string, path: string, sent?: Sent]>;
    readonly status: number;
    readonly code: string;
  }
  const refusals: Refusal[] = [
    {
      name: 'a name that nothing can have',
      send: async () => ['POST', '/v2/Team/blobs/uploads/'],
      status: 400,
      code: 'NAME_INVALID',
    },
    {
      name: 'a digest that is none',
      send: async () => ['POST', '/v2/refused/blobs/uploads/?digest=sha256:abc'],
      status: 400,
      code: 'DIGEST_INVALID',
    },
    {
      name: 'the last request without a digest',
      send: async () => ['PUT', await scene.begin('refused')],
      status: 400,
      code: 'DIGEST_INVALID',
    },
    {
      name: 'an upload that is not there',
      send: async () => [
        'PATCH',
        '/v2/refused/blobs/uploads/00000000-0000-4000-8000-000000000000',
        chunk(0, 4),
      ],
      status: 404,
      code: 'BLOB_UPLOAD_UNKNOWN',
    },
    {
      name: 'an upload id that is a path',
      send: async () => ['GET', '/v2/refused/blobs/uploads/..'],
      status: 404,
      code: 'BLOB_UPLOAD_UNKNOWN',
    },
    {
      name: 'an upload of another repository',
      send: async () => ['GET', (await scene.begin('ways/other')).replace('ways/other', 'refused')],
      status: 404,
      code: 'BLOB_UPLOAD_UNKNOWN',
    },
    {
      name: 'a Content-Range that is not as long as the body',
      send: async () => [
        'PATCH',
        await scene.begin('refused'),
        { ...chunk(0, 4), headers: { 'content-range': '0-9' } },
      ],
      status: 400,
      code: 'SIZE_INVALID',
    },
    {
      name: 'a compressed body',
      send: async () => [
        'PATCH',
        await scene.begin('refused'),
        { ...chunk(0, 4), headers: { 'content-encoding': 'gzip' } },
      ],
      status: 415,
      code: 'UNSUPPORTED',
    },
    {
      name: 'a method that an address does not have',
      send: async () => ['DELETE', '/v2/refused/tags/list'],
      status: 405,
      code: 'UNSUPPORTED',
    },
  ];
  test.each(refusals)('refused: $name', async ({ send, status, code }) => {
    await scene.begin('refused');
    const answer = await scene.send(...(await send()));
    expect([answer.status, errorCode(answer)]).toEqual([status, code]);
  });

  test('DELETE cancels an upload, its file goes too', async () => {
    const location = await scene.begin('cancelled');
    await scene.send('PATCH', location, chunk(0, 4));
    expect((await scene.send('DELETE', location)).status).toBe(204);
    expect((await scene.send('GET', location)).status).toBe(404);
    expect(await scene.uploadFiles()).not.toContain(location.split('/').at(-1));
  });

  test('DELETE of a blob: one that nothing refers to goes, one that a manifest refers to stays', async () => {
    const content = createSampleRepository();
    const { digest: image } = addImage(content, { seed: 'deletes', layers: [500], tag: 'one' });
    await scene.pushSample('deletes', content);
    await scene.pushBlob('deletes', digest, bytes);
    const referred = [...content.blobs.keys()][0];
    const answers = [];
    for (const blob of [digest, digest, referred])
      answers.push((await scene.send('DELETE', `/v2/deletes/blobs/${blob}`)).status);
    expect(answers).toEqual([202, 404, 405]);
    expect((await scene.send('DELETE', `/v2/deletes/manifests/${image}`)).status).toBe(202);
    expect((await scene.send('GET', `/v2/deletes/blobs/${referred}`)).status).toBe(404);
  });

  test('mount links a blob of another repository; where it is not to be had, an upload begins', async () => {
    await scene.pushBlob('mounts/from', digest, bytes);
    const ask = (query: string) => scene.send('POST', `/v2/mounts/to/blobs/uploads/?${query}`);
    for (const query of [
      `mount=${digest}`,
      `mount=${digest}&from=no/such`,
      `mount=${absent}&from=mounts/from`,
    ])
      expect((await ask(query)).status).toBe(202);
    expect((await scene.send('HEAD', `/v2/mounts/to/blobs/${digest}`)).status).toBe(404);
    const mounted = await ask(`mount=${digest}&from=mounts/from`);
    expect([mounted.status, mounted.headers.location]).toEqual([201, `/v2/mounts/to/blobs/${digest}`]);
    expect((await scene.send('GET', `/v2/mounts/to/blobs/${digest}`)).body).toEqual(bytes);
  });
});

function chunk(from: number, to: number): Sent & { readonly body: Buffer } {
  return { headers: { 'content-range': `${from}-${to - 1}` }, body: bytes.subarray(from, to) };
}
