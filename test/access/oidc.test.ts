/** Logins by an OIDC issuer, which is a real server here that can be told to misbehave. */
import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { OidcSettings } from '../../src/access/oidc.ts';
import { createOidcVerifier } from '../../src/access/oidc.ts';
import { pull } from '../support/api/pull.ts';
import { keys, now, startIssuer } from './support/issuer.ts';
import type { Issuer } from './support/issuer.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene } from './support/scene.ts';

const otherKeys = await generateKeyPair('RS256', { extractable: true });

let issuer: Issuer;
let scene: AccessScene;
let settings: OidcSettings;

beforeAll(async () => {
  issuer = await startIssuer();
  settings = { issuer: issuer.url, audience: 'tidemark-test', jwksUrl: undefined, groupsClaim: 'groups' };
  scene = await startAccessScene({ logins: { tokens: true, oidc: settings } });
  await scene.api.sql(
    `insert into access_grant (role, scope, oidc_subject, oidc_group)
     values ('reader', 'team/*', 'alice', null), ('maintainer', 'crew/*', null, 'crew')`,
  );
});
afterAll(async () => {
  await scene?.close();
  issuer?.close();
});
afterEach(() => {
  issuer.answer = undefined;
});

const sign: Issuer['sign'] = (...token) => issuer.sign(...token);

async function mayCreate(name: string, token: string): Promise<boolean> {
  const { data } = await scene.api.graphql(
    'mutation ($name: String!) { repositoryCreate(input: { name: $name }) { userErrors { code } } }',
    { name },
    token,
  );
  return data !== null && data.repositoryCreate?.userErrors.length === 0;
}

describe('a token of the issuer', () => {
  test('has what is granted to its subject and to its groups', async () => {
    const { name } = await scene.makeThings('team');
    const query = 'query ($name: String!) { repository(name: $name) { name } }';
    const answer = await scene.api.graphql(query, { name }, await sign());
    expect(answer.data).toEqual({ repository: { name } });
    expect(await mayCreate('crew/one', await sign({ sub: 'bob', groups: ['crew', 'others'] }))).toBe(true);
    expect(await mayCreate('crew/two', await sign({ sub: 'bob', groups: 'crew' }))).toBe(true);
    expect(await mayCreate('crew/three', await sign({ sub: 'bob', groups: ['others'] }))).toBe(false);
    // a subject that is named as a group is
    expect(await mayCreate('crew/four', await sign({ sub: 'crew' }))).toBe(false);
  });

  test('is the password of docker login, and what it gets names the groups of that time', async () => {
    const password = await sign({ sub: 'bob', groups: ['crew'] });
    const authorization = `Basic ${Buffer.from(`bob:${password}`).toString('base64')}`;
    const path = '/token?service=tidemark&scope=repository:crew/image:pull,push';
    const { body } = await pull(scene.api.url, { path, headers: { authorization } });
    const { token } = JSON.parse(body.toString()) as { token: string };
    const begun = await pull(scene.api.url, {
      method: 'PATCH',
      path: '/v2/crew/image/blobs/uploads/00000000-0000-4000-8000-000000000000',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(begun.status).toBe(404);
    expect(begun.body.toString()).toContain('NAME_UNKNOWN');
    // fault 83: what was granted to the group is taken back at once
    await scene.api.sql("delete from access_grant where oidc_group = 'crew'");
    const later = await pull(scene.api.url, {
      method: 'POST',
      path: '/v2/crew/image/blobs/uploads/',
      headers: { authorization: `Bearer ${token}`, 'content-length': '0' },
    });
    expect(later.status).toBe(401);
  });

  test('issuer and keys are asked for once, not for each token', async () => {
    await scene.api.graphql('{ __typename }', {}, await sign());
    const before = issuer.asked.length;
    for (const sub of ['a', 'b', 'c']) await scene.api.graphql('{ __typename }', {}, await sign({ sub }));
    // nor for each key id that somebody makes up
    for (const kid of ['x', 'y', 'z']) await scene.api.graphql('{ __typename }', {}, await sign({}, { kid }));
    expect(issuer.asked.length).toBe(before);
  });
});

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const claims = () => ({ iss: issuer.url, aud: 'tidemark-test', sub: 'alice', exp: now() + 600 });

describe('fault 81: a token that does not count is 401', () => {
  test.each<[string, () => Promise<string> | string]>([
    ['alg none', () => `${encode({ alg: 'none' })}.${encode(claims())}.`],
    [
      'HS256 keyed with the public key of the issuer (RS/HS confusion)',
      async () => {
        const body = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(claims())}`;
        const pem = JSON.stringify(await exportJWK(keys.publicKey));
        return `${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`;
      },
    ],
    [
      'a key of its own in the header',
      async () => sign({}, { jwk: await exportJWK(otherKeys.publicKey) }, otherKeys.privateKey),
    ],
    [
      'keys of its own to be fetched',
      () => sign({}, { jku: `${issuer.url}/elsewhere` }, otherKeys.privateKey),
    ],
    ['another key', () => sign({}, {}, otherKeys.privateKey)],
    ['another audience', () => sign({ aud: 'elsewhere' })],
    ['no audience', () => sign({ aud: undefined })],
    ['another issuer', () => sign({ iss: 'http://127.0.0.1:1' })],
    ['one that has expired', () => sign({ exp: now() - 60 })],
    ['one that never does', () => sign({ exp: undefined })],
    ['one that is not good yet', () => sign({ nbf: now() + 60 })],
    ['no subject', () => sign({ sub: undefined })],
    ['an empty subject', () => sign({ sub: '' })],
    ['a subject that the database cannot hold', () => sign({ sub: 'a\0' })],
    ...[7, true, null, ['alice'], { name: 'alice' }, []].map((sub): [string, () => Promise<string>] => [
      `the subject ${JSON.stringify(sub)}`,
      () => sign({ sub }),
    ]),
    ...[9e15, Number.MAX_VALUE, '4102444800', [4_102_444_800], true, null].map(
      (exp): [string, () => Promise<string>] => [`the expiry ${JSON.stringify(exp)}`, () => sign({ exp })],
    ),
    ['an audience of another type', () => sign({ aud: 7 })],
    ['an issuer of another type', () => sign({ iss: [issuer.url] })],
  ])('%s', async (_, make) => {
    const token = await make();
    const answer = await scene.api.graphql('{ __typename }', {}, token);
    expect(answer.status).toBe(401);
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(answer.text).not.toContain(token);
    const registry = await pull(scene.api.url, {
      path: '/v2/',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(registry.status).toBe(401);
    expect(scene.api.logged()).not.toContain(token);
  });
});

describe('an issuer that cannot be asked is no fault of the token', () => {
  const discovery = '/.well-known/openid-configuration';
  test.each<[string, Issuer['answer']]>([
    ['that is down', () => ({ status: 503, body: 'down' })],
    ['that answers a page', () => ({ body: '<html>' })],
    [
      'whose keys have 2 MiB',
      (path) =>
        path === discovery
          ? { body: JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }) }
          : { body: 'x'.repeat(2 ** 21) },
    ],
    [
      'that says it is another',
      () => ({ body: JSON.stringify({ issuer: 'http://other.example', jwks_uri: `${issuer.url}/keys` }) }),
    ],
    ['that redirects', () => ({ status: 302, body: '', headers: { location: `${issuer.url}/keys` } })],
  ])('%s', async (_, answer) => {
    issuer.answer = answer;
    const verifier = createOidcVerifier(settings);
    await expect(verifier.verify(await sign())).rejects.toMatchObject({
      code: 'OIDC_UNAVAILABLE',
      retryable: true,
    });
    // and once it is back the next token counts
    issuer.answer = undefined;
    if (answer?.('/keys')?.body.length !== 2 ** 21)
      expect(await verifier.verify(await sign())).toMatchObject({ subject: 'alice' });
  });
});
