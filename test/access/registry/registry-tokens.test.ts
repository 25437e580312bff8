/** docker's token flow, and what a registry token is good for. */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { errorCode, startPushScene } from '../../support/api/push-scene.ts';
import type { PushScene } from '../../support/api/push-scene.ts';
import { createToken } from '../../../src/access/token.ts';
import type { Grant } from '../../../src/access/scope.ts';

let scene: PushScene;
const tokens: Record<string, string> = {};
const image = createSampleRepository();
addImage(image, { seed: 'image', layers: [2_000], tag: 'v1' });

beforeAll(async () => {
  scene = await startPushScene({ logins: { tokens: true, oidc: undefined } });
  await makeToken('root', [{ role: 'admin', scope: '*' }]);
  await makeToken('reader', [{ role: 'reader', scope: 'team/*' }]);
  await makeToken('pusher', [{ role: 'pusher', scope: 'team/*' }]);
  await makeToken('maintainer', [{ role: 'maintainer', scope: 'team/*' }]);
  for (const name of ['team/private', 'team/public', 'other/private', 'other/public'])
    await scene.pushSample(name, image, basic('root'));
  await scene.api.sql("update distribution set is_private = false where base_path like '%/public'");
});
afterAll(() => scene?.close());

async function makeToken(name: string, grants: readonly Grant[]): Promise<void> {
  const made = await createToken(scene.api.database.em.fork(), { name, expiresInDays: 1, grants });
  tokens[name] = made?.text ?? '';
}

function basic(name: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${tokens[name]}`).toString('base64')}` };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** What the token endpoint answers to a caller; `anonymous` shows nothing. */
async function ask(caller: string, ...scopes: string[]) {
  const query = new URLSearchParams({ service: 'tidemark' });
  for (const scope of scopes) query.append('scope', scope);
  const { status, body, headers } = await scene.send('GET', `/token?${query.toString()}`, {
    headers: caller === 'anonymous' ? {} : basic(caller),
  });
  expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
  const answer = JSON.parse(body.toString()) as { token: string; access_token: string; expires_in: number };
  expect(answer.access_token).toBe(answer.token);
  const { access } = decodeJwt(answer.token) as { access: { name: string; actions: string[] }[] };
  return { ...answer, access: access.map(({ name, actions }) => `${name}:${actions.join(',')}`) };
}

test('a push by a token makes a private repository', async () => {
  await scene.pushSample('team/made', image, basic('pusher'));
  const [row] = await scene.api.sql("select is_private from distribution where base_path = 'team/made'");
  expect(row).toEqual({ is_private: true });
});

describe('the challenge says where a token is to be had', () => {
  test.each([
    ['GET', '/v2/', ''],
    ['GET', '/v2/_catalog', ',scope="registry:catalog:*"'],
    ['GET', '/v2/team/private/tags/list', ',scope="repository:team/private:pull"'],
    ['GET', '/v2/team/private/_tidemark/tags/changes', ',scope="repository:team/private:pull"'],
    ['HEAD', '/v2/absent/name/manifests/v1', ',scope="repository:absent/name:pull"'],
    ['POST', '/v2/team/public/blobs/uploads/', ',scope="repository:team/public:pull,push"'],
    ['DELETE', '/v2/team/public/manifests/v1', ',scope="repository:team/public:delete"'],
  ])('%s %s', async (method, path, scope) => {
    const { status, headers } = await scene.send(method, path);
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe(
      `Bearer realm="${scene.api.url}/token",service="tidemark"${scope}`,
    );
  });

  test('a login that does not count is told apart', async () => {
    const { status, headers } = await scene.send('GET', '/v2/', { headers: bearer('nonsense') });
    expect([status, headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ]);
  });
});

describe('the token endpoint cuts scopes down to what the caller may do', () => {
  const all = 'pull,push,delete';
  test.each<[string, string[], string[]]>([
    ['anonymous', [`repository:team/public:${all}`], ['team/public:pull']],
    ['anonymous', ['repository:team/private:pull', 'repository:absent/name:pull'], []],
    ['reader', [`repository:team/private:${all}`], ['team/private:pull']],
    ['reader', [`repository:other/private:${all}`, `repository:other/public:${all}`], ['other/public:pull']],
    ['pusher', [`repository:team/new:${all}`], ['team/new:pull,push']],
    ['maintainer', ['repository:team/new:*'], [`team/new:${all}`]],
    [
      'maintainer',
      ['repository:team/private:push repository:team/public:pull'],
      ['team/private:push', 'team/public:pull'],
    ],
    ['root', ['repository:A:pull', 'registry:catalog:*', 'repository:x', ''], []],
  ])('%s asks for %j', async (caller, scopes, access) => {
    const answer = await ask(caller, ...scopes);
    expect(answer.access).toEqual(access);
    expect(answer.expires_in).toBe(300);
  });

  test('a registry token does not outlive what it was made for', async () => {
    await makeToken('short', []);
    await scene.api.sql("update access_token set expires_at = now() + interval '30 s' where name = 'short'");
    expect((await ask('short')).expires_in).toBeLessThanOrEqual(30);
  });
});

describe('Basic alone', () => {
  test.each([
    ['reader', 'GET', '/v2/team/private/manifests/v1', 200, undefined],
    ['reader', 'GET', '/v2/other/private/manifests/v1', 404, 'NAME_UNKNOWN'],
    ['reader', 'GET', '/v2/other/public/manifests/v1', 200, undefined],
    ['reader', 'POST', '/v2/team/private/blobs/uploads/', 403, 'DENIED'],
    ['pusher', 'POST', '/v2/team/private/blobs/uploads/', 202, undefined],
    ['pusher', 'DELETE', '/v2/team/private/manifests/v1', 403, 'DENIED'],
    ['pusher', 'POST', '/v2/other/public/blobs/uploads/', 403, 'DENIED'],
  ])('%s %s %s is %d', async (caller, method, path, status, code) => {
    const answer = await scene.send(method, path, { headers: basic(caller) });
    expect(answer.status).toBe(status);
    if (code !== undefined) expect(errorCode(answer)).toBe(code);
  });
});

const catalog = async (headers: Record<string, string>): Promise<string[]> => {
  const { body } = await scene.send('GET', '/v2/_catalog', { headers });
  return (JSON.parse(body.toString()) as { repositories: string[] }).repositories;
};

test('fault 82: the catalog has what everybody may pull, and what the caller may read', async () => {
  expect(await catalog(bearer((await ask('anonymous')).token))).toEqual(['other/public', 'team/public']);
  const readable = await catalog(basic('reader'));
  expect(readable).toEqual(expect.arrayContaining(['other/public', 'team/private', 'team/public']));
  expect(readable).not.toContain('other/private');
  expect(await catalog(bearer((await ask('root')).token))).toContain('other/private');
});
