/** docker's token flow, and what a registry token is good for. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT, decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccess } from '../../src/access/access.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { errorCode, startPushScene } from '../support/api/push-scene.ts';
import type { PushScene } from '../support/api/push-scene.ts';
import { createToken } from '../../src/access/token.ts';
import type { Grant } from '../../src/access/scope.ts';

let scene: PushScene;
const tokens: Record<string, string> = {};
const image = createSampleRepository();
const manifest = addImage(image, { seed: 'image', layers: [2_000], tag: 'v1' });
const layer = [...image.blobs.keys()][0] ?? '';

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

const count = (headers: Record<string, string>, at: string) =>
  scene.api.countStatements(() => scene.send('GET', at, { headers }));

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const key = () => scene.api.secrets.derive('registry tokens')[0] ?? { id: '', key: new Uint8Array() };

const payload = () => ({
  holder: { kind: 'token', id: 1 },
  access: [{ type: 'repository', name: 'team/private', actions: ['pull'] }],
});

describe('a registry token', () => {
  const path = '/v2/team/private/manifests/v1';
  const pull = 'repository:team/private:pull';

  test('pulls what it says, for as many processes as have the secret key', async () => {
    const { token } = await ask('reader', pull);
    const answer = await scene.send('GET', path, { headers: bearer(token) });
    expect([answer.status, answer.headers['docker-content-digest']]).toEqual([200, manifest.digest]);
    const logins = { tokens: true, oidc: undefined };
    const another = createAccess({ database: scene.api.database, secrets: scene.api.secrets, logins });
    expect(await another.identifyClient(`Bearer ${token}`)).toMatchObject({ viewer: { name: 'reader' } });
  });

  test('of a known one costs one statement beside those of the pull, and none for who is anonymous', async () => {
    const { token } = await ask('reader', pull);
    const anonymous = bearer((await ask('anonymous', 'repository:team/public:pull')).token);
    const publicly = '/v2/team/public/manifests/v1';
    await count(bearer(token), path);
    expect(await count(anonymous, publicly)).toBe(await count({}, publicly));
    expect(await count(bearer(token), path)).toBe((await count({}, publicly)) + 1);
  });

  test('fault 83: is worth nothing once its token is revoked, and no more than the grants that are left', async () => {
    await makeToken('leaver', [{ role: 'pusher', scope: 'team/*' }]);
    const { token } = await ask('leaver', 'repository:team/private:pull,push');
    const statusOf = async (method: string, at: string) =>
      (await scene.send(method, at, { headers: bearer(token) })).status;
    expect(await statusOf('POST', '/v2/team/private/blobs/uploads/')).toBe(202);
    await scene.api.sql(
      "update access_grant set role = 'reader' where token_id = (select id from access_token where name = 'leaver')",
    );
    expect(await statusOf('POST', '/v2/team/private/blobs/uploads/')).toBe(401);
    expect(await statusOf('GET', path)).toBe(200);
    await scene.api.sql("update access_token set revoked_at = now() where name = 'leaver'");
    expect(await statusOf('GET', path)).toBe(401);
  });

  test('does not log in to the API', async () => {
    const { token } = await ask('root', pull);
    expect((await scene.api.graphql('{ __typename }', {}, token)).status).toBe(401);
  });

  describe('fault 81: one that was not made here, or not for this, is 401', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = publicKey.export({ format: 'jwk' });
    const now = Math.floor(Date.now() / 1_000);
    const sign = (claims: object, header: object = {}, secret: Uint8Array = key().key) =>
      new SignJWT({ iss: 'tidemark', aud: 'tidemark', exp: now + 60, ...payload(), ...claims })
        .setProtectedHeader({ alg: 'HS256', kid: key().id, ...header })
        .sign(secret);
    const claims = () => ({ iss: 'tidemark', aud: 'tidemark', exp: now + 60, ...payload() });

    test.each<[string, () => Promise<string> | string]>([
      ['alg none', () => `${encode({ alg: 'none', kid: key().id })}.${encode(claims())}.`],
      ['another key', () => sign({}, {}, new Uint8Array(32))],
      ['an unknown key id', () => sign({}, { kid: 'deadbeef' })],
      ['no key id', () => sign({}, { kid: undefined })],
      ['another algorithm of the same family', () => sign({}, { alg: 'HS512' })],
      [
        'an asymmetric one, with its public key in the header',
        () => new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: key().id, jwk }).sign(privateKey),
      ],
      [
        'one keyed with a public key',
        () => {
          const body = `${encode({ alg: 'HS256', kid: key().id })}.${encode(claims())}`;
          const pem = publicKey.export({ format: 'pem', type: 'spki' });
          return `${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`;
        },
      ],
      ['another audience', () => sign({ aud: 'elsewhere' })],
      ['another issuer', () => sign({ iss: 'elsewhere' })],
      ['one that has expired', () => sign({ exp: now - 1 })],
      ['one that never does', () => sign({ exp: undefined })],
      ['one that holds nothing', () => sign({ holder: undefined })],
      ['one for another repository', async () => (await ask('root', 'repository:team/public:pull')).token],
      ['one for another action', async () => (await ask('root', 'repository:team/private:push')).token],
      ['one of nobody', async () => (await ask('anonymous', pull)).token],
      ['one that was cut', async () => (await ask('reader', pull)).token.slice(0, -2)],
    ])('%s', async (_, make) => {
      const { status, headers } = await scene.send('GET', path, { headers: bearer(await make()) });
      expect([status, headers['www-authenticate']]).toEqual([
        401,
        expect.stringMatching(/^Bearer realm=.*error="/),
      ]);
    });

    test('the same, made as it should be, is let in', async () => {
      const [row] = await scene.api.sql("select id from access_token where name = 'reader'");
      const token = await sign({ holder: { kind: 'token', id: Number(row?.['id']) } });
      expect((await scene.send('GET', path, { headers: bearer(token) })).status).toBe(200);
    });
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

const mount = async (from: string, headers: Record<string, string>) => {
  const { status, headers: answered } = await scene.send(
    'POST',
    `/v2/team/target/blobs/uploads/?mount=${layer}&from=${from}`,
    { headers },
  );
  return [status, Object.keys(answered).sort()];
};

test('fault 74: a mount from a repository that the caller may not read begins an upload, as from one that is not there', async () => {
  const absent = await mount('absent/name', basic('pusher'));
  expect(absent[0]).toBe(202);
  expect(await mount('other/private', basic('pusher'))).toEqual(absent);
  expect((await mount('other/public', basic('pusher')))[0]).toBe(201);
  expect((await mount('team/private', basic('pusher')))[0]).toBe(201);
  // a registry token has to say both
  const narrow = await ask('pusher', 'repository:team/target:pull,push');
  expect(await mount('team/private', bearer(narrow.token))).toEqual(absent);
  const wide = await ask('pusher', 'repository:team/target:pull,push', 'repository:team/private:pull');
  expect((await mount('team/private', bearer(wide.token)))[0]).toBe(201);
});

test('fault 77: all tags of a request are authorised, or none is written', async () => {
  const tags = Array.from({ length: 100 }, (_, index) => `tag=t${index}`).join('&');
  const path = `/v2/team/private/manifests/${manifest.digest}?${tags}&tag=v1`;
  const put = (headers: Record<string, string>, at = path) =>
    scene.send('PUT', at, {
      headers: { 'content-type': manifest.mediaType, ...headers },
      body: image.manifests.get(manifest.digest)?.bytes,
    });
  const before = await scene.latest('team/private');
  const readOnly = await ask('pusher', 'repository:team/private:pull');
  expect((await put(basic('reader'))).status).toBe(403);
  expect((await put(bearer(readOnly.token))).status).toBe(401);
  expect((await put({})).status).toBe(401);
  expect(await scene.latest('team/private')).toBe(before);
  expect((await put(basic('pusher'), path.replace('&tag=v1', ''))).status).toBe(201);
  expect(await scene.latest('team/private')).toBe(before + 1);
});

test('fault 91: what is served at a base path of one’s own, and is another’s repository, is pulled there and not changed', async () => {
  await scene.api.sql(
    `insert into distribution (base_path, repository_id, is_private)
     select 'team/served', id, true from repository where name = 'other/private'`,
  );
  const before = await scene.latest('other/private');
  const body = image.manifests.get(manifest.digest)?.bytes;
  const put = (caller: string) =>
    scene.send('PUT', '/v2/team/served/manifests/taken', {
      headers: { 'content-type': manifest.mediaType, ...basic(caller) },
      body,
    });
  const headers = basic('maintainer');
  const refused = await Promise.all([
    put('pusher'),
    put('maintainer'),
    scene.send('POST', '/v2/team/served/blobs/uploads/', { headers }),
    scene.send('POST', `/v2/team/served/blobs/uploads/?mount=${layer}&from=team/private`, { headers }),
    scene.send('DELETE', '/v2/team/served/manifests/v1', { headers }),
    scene.send('DELETE', `/v2/team/served/blobs/${layer}`, { headers }),
  ]);
  for (const answer of refused) {
    expect([answer.status, errorCode(answer)]).toEqual([403, 'DENIED']);
    expect(answer.body.toString()).not.toContain('other/private');
  }
  expect(await scene.latest('other/private')).toBe(before);
  const pulled = await scene.send('GET', '/v2/team/served/manifests/v1', { headers: basic('reader') });
  expect(pulled.status).toBe(200);
  expect((await put('root')).status).toBe(201);
  expect(await scene.latest('other/private')).toBe(before + 1);
});
