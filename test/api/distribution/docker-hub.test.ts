/** The address that serves the repositories below `docker.io/` without that prefix: a port, or a host name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createToken } from '../../../src/access/token.ts';
import { addArtifact, addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { errorCode, startPushScene } from '../../support/api/push-scene.ts';
import type { PushScene } from '../../support/api/push-scene.ts';
import { pull } from '../../support/api/pull.ts';
import type { PullRequest } from '../../support/api/pull.ts';

const content = createSampleRepository();
const image = addImage(content, { seed: 'docker-hub', layers: [1_000], tag: 'latest' });
for (const seed of ['a', 'b'])
  addArtifact(content, {
    seed,
    artifactType: 'application/vnd.example.signature',
    layers: [{ mediaType: 'application/octet-stream', sizeBytes: 10 }],
    subject: image,
  });
const [[blob] = ['']] = content.blobs;
const hubUrl = 'https://hub.example';
const named = { host: 'hub.example' };
const length = (body: Buffer) => ({ 'content-length': String(body.length) });
const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`;

describe('without logins', () => {
  let scene: PushScene;
  const ask = (path: string, request: Omit<PullRequest, 'path'> = {}) =>
    pull(scene.api.dockerHubUrl, { path, ...request });

  beforeAll(async () => {
    scene = await startPushScene({ config: { dockerHub: { basePath: 'docker.io', url: hubUrl } } });
    await scene.pushSample('docker.io/library/alpine', content);
    await scene.pushSample('docker.io/team/shop', content);
    await scene.pushSample('library/alpine', createSampleRepository());
    await scene.pushSample('quay.io/team/shop', content);
  });
  afterAll(() => scene?.close());

  test.each([
    ['its port', '', {}],
    ['its host name, on the other port', '', named],
    ['its port, with the namespace that containerd names', '?ns=docker.io', {}],
  ])('%s answers from below the base path', async (_, query, headers) => {
    const url = headers === named ? scene.api.url : scene.api.dockerHubUrl;
    const manifest = await pull(url, { path: `/v2/library/alpine/manifests/latest${query}`, headers });
    expect([manifest.status, manifest.headers['docker-content-digest']]).toEqual([200, image.digest]);
    expect((await pull(url, { path: `/v2/library/alpine/blobs/${blob}${query}`, headers })).status).toBe(200);
    const prefixed = await pull(url, { path: '/v2/docker.io/library/alpine/manifests/latest', headers });
    expect([prefixed.status, errorCode(prefixed)]).toEqual([404, 'NAME_UNKNOWN']);
  });

  test('lists, and the links to their next pages, name repositories as the client does', async () => {
    const tags = await ask('/v2/library/alpine/tags/list');
    expect(JSON.parse(String(tags.body))).toEqual({ name: 'library/alpine', tags: ['latest'] });
    await scene.send('PUT', '/v2/docker.io/library/alpine/manifests/older', {
      headers: { 'content-type': mediaTypes.ociManifest },
      body: content.manifests.get(image.digest)?.bytes,
    });
    const page = await ask('/v2/library/alpine/tags/list?n=1');
    expect(page.headers.link).toBe('</v2/library/alpine/tags/list?n=1&last=latest>; rel="next"');
    const digests = await ask('/v2/library/alpine/_tidemark/tags/digests');
    expect(JSON.parse(String(digests.body))).toMatchObject({ name: 'library/alpine' });
    const first = await ask('/v2/_catalog?n=1');
    expect(JSON.parse(String(first.body))).toEqual({ repositories: ['library/alpine'] });
    expect(first.headers.link).toBe('</v2/_catalog?n=1&last=library%2Falpine>; rel="next"');
    const rest = await ask('/v2/_catalog?n=5&last=library%2Falpine');
    expect(JSON.parse(String(rest.body))).toEqual({ repositories: ['team/shop'] });
    const referrers = await ask(`/v2/library/alpine/referrers/${image.digest}`);
    expect(JSON.parse(String(referrers.body))).toMatchObject({ manifests: [{}, {}] });
  });

  test('uploads continue at the addresses that their answers name', async () => {
    const bytes = Buffer.from('uploaded at the address of Docker Hub');
    const digest = digestBytes(bytes);
    const begun = await ask('/v2/team/app/blobs/uploads/', {
      method: 'POST',
      headers: length(Buffer.from('')),
    });
    expect(begun.headers.location).toMatch(/^\/v2\/team\/app\/blobs\/uploads\/[0-9a-f-]{36}$/);
    const location = String(begun.headers.location);
    const sent = await ask(location, { method: 'PATCH', headers: length(bytes), body: bytes });
    expect([sent.status, sent.headers.location]).toEqual([202, location]);
    const ended = await ask(`${location}?digest=${digest}`, { method: 'PUT' });
    expect([ended.status, ended.headers.location]).toEqual([201, `/v2/team/app/blobs/${digest}`]);

    const mount = `/v2/team/app/blobs/uploads/?mount=${blob}&from=team/shop`;
    const mounted = await ask(mount, { method: 'POST' });
    expect([mounted.status, mounted.headers.location]).toEqual([201, `/v2/team/app/blobs/${blob}`]);
    const [, config] = [...content.blobs.keys()];
    await ask(`/v2/team/app/blobs/uploads/?mount=${config}&from=team/shop`, { method: 'POST' });
    const put = await ask('/v2/team/app/manifests/v1', {
      method: 'PUT',
      headers: { 'content-type': mediaTypes.ociManifest },
      body: content.manifests.get(image.digest)?.bytes,
    });
    expect([put.status, put.headers.location]).toEqual([201, `/v2/team/app/manifests/${image.digest}`]);
    expect(await scene.latest('docker.io/team/app')).toBe(1);
  });

  test.each(['/', '/graphql', '/healthz', '/metrics', '/repositories'])(
    'nothing but registry content is served there: %s is 404',
    async (path) => {
      expect((await ask(path)).status).toBe(404);
      expect((await pull(scene.api.url, { path, headers: named })).status).toBe(404);
    },
  );

  test('no socket for subscriptions is opened there', async () => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    };
    expect((await ask('/graphql', { headers: upgrade })).status).toBe(404);
  });
});

describe('with logins', () => {
  let scene: PushScene;
  const tokens = new Map<string, string>();

  beforeAll(async () => {
    scene = await startPushScene({
      logins: { tokens: true, oidc: undefined },
      config: { publicUrl: 'https://registry.example', dockerHub: { basePath: 'docker.io', url: hubUrl } },
    });
    for (const [name, role, scope] of [
      ['admin', 'admin', '*'],
      ['reader', 'reader', 'docker.io/library/*'],
      ['stranger', 'reader', 'library/*'],
    ] as const) {
      const grants = [{ role, scope }];
      const made = await createToken(scene.api.database.em.fork(), { name, expiresInDays: 1, grants });
      tokens.set(name, made?.text ?? '');
    }
    const login = { authorization: basic(tokens.get('admin') ?? '') };
    for (const name of ['docker.io/library/private', 'docker.io/library/open'])
      await scene.pushSample(name, content, login);
    await scene.api.sql(
      "update distribution set is_private = false where base_path = 'docker.io/library/open'",
    );
  });
  afterAll(() => scene?.close());

  /** As dockerd does: the manifest, the challenge, a token with the login of Docker Hub, and the manifest again. */
  async function pullAs(name: string, password: string | undefined): Promise<number> {
    const url = scene.api.dockerHubUrl;
    const path = `/v2/library/${name}/manifests/latest`;
    const refused = await pull(url, { path });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual(
      name === 'open'
        ? [200, undefined]
        : [401, `Bearer realm="${hubUrl}/token",service="tidemark",scope="repository:library/${name}:pull"`],
    );
    const asked = await pull(url, {
      path: `/token?service=tidemark&scope=repository:library/${name}:pull`,
      headers: password === undefined ? {} : { authorization: basic(password) },
    });
    expect(asked.status).toBe(200);
    const { token } = JSON.parse(String(asked.body)) as { token: string };
    return (await pull(url, { path, headers: { authorization: `Bearer ${token}` } })).status;
  }

  test.each([
    ['a login with the right to it', 'reader', 200, 200],
    ['a login with rights to the same name elsewhere', 'stranger', 200, 401],
    ['no login', undefined, 200, 401],
  ])('%s', async (_, name, open, closed) => {
    const password = name === undefined ? undefined : tokens.get(name);
    expect(await pullAs('open', password)).toBe(open);
    expect(await pullAs('private', password)).toBe(closed);
  });

  test('the password of Docker Hub, which dockerd sends along, hinders no pull of public images', async () => {
    expect(await pullAs('open', 'a password of Docker Hub')).toBe(200);
    expect(await pullAs('private', 'a password of Docker Hub')).toBe(401);
    // a login at this address, and a pull at the other one
    const headers = { authorization: basic('a password of Docker Hub') };
    const login = await pull(scene.api.dockerHubUrl, { path: '/token?service=tidemark', headers });
    expect(login.status).toBe(401);
    const scope = 'repository:docker.io/library/open:pull';
    const elsewhere = await pull(scene.api.url, { path: `/token?service=tidemark&scope=${scope}`, headers });
    expect(elsewhere.status).toBe(401);
  });
});

test('without a configured URL, the challenge names the address that the client has asked', async () => {
  const scene = await startPushScene({
    logins: { tokens: true, oidc: undefined },
    config: { publicUrl: 'https://registry.example', dockerHub: { basePath: 'docker.io' } },
  });
  try {
    const base = await pull(scene.api.dockerHubUrl, { path: '/v2/' });
    expect(base.headers['www-authenticate']).toBe(
      `Bearer realm="${scene.api.dockerHubUrl}/token",service="tidemark"`,
    );
    const own = await pull(scene.api.url, { path: '/v2/' });
    expect(own.headers['www-authenticate']).toBe(
      'Bearer realm="https://registry.example/token",service="tidemark"',
    );
  } finally {
    await scene.close();
  }
});
