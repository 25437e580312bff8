import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toFailure } from '../../src/activities/failure.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { addImage } from '../../src/demo/sample-image.ts';
import { json, openFakeUpstream, reset } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import {
  expectKept,
  goodRepository,
  openStage,
  readVersions,
  upstreamName,
  expectTries,
} from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';
import { testSecret } from '../support/test-secret.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const listRoute = `GET /v2/${upstreamName}/tags/list`;

/** Gives the remote of a scene a user name and a password, sealed as the API does. */
async function setPassword(scene: Scene, username: string, password: string): Promise<void> {
  const { remoteId } = scene.ids;
  const passwordSealed = stage.harness.secrets.encrypt(password, `remote:${remoteId}:password`);
  await stage.harness.updateRemote(remoteId, { username, passwordSealed });
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

const tooMany = (retryAfter: string): Answer =>
  json({ errors: [{ code: 'TOOMANYREQUESTS' }] }, { 'retry-after': retryAfter }, 429);

test.concurrent('fault 10: short and long Retry-After are honoured and counted', async () => {
  const scene = await stage.openSynced();
  addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [400], tag: 'new' });
  // the first is waited for by the client, the second by Temporal
  scene.upstream.on(listRoute, tooMany('1'), tooMany('6'), json({ tags: ['good', 'multi', 'new'] }));
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(outcome.counts?.rateLimited).toBe(2);
  const [first = NaN, second = NaN, third = NaN] = scene.upstream
    .requestsOf(listRoute)
    .map(({ atMs }) => atMs);
  expect(second - first).toBeGreaterThanOrEqual(990);
  expect(third - second).toBeGreaterThanOrEqual(5_900);
});

test.concurrent('fault 10: a Retry-After of a year fails the sync at once', async () => {
  const scene = await stage.openSynced();
  scene.upstream.on(listRoute, tooMany('31536000'));
  const outcome = await scene.sync();
  await expectKept(scene, outcome, { code: 'UPSTREAM_RATE_LIMITED', says: ['429'] });
  expect(scene.upstream.requestsOf(listRoute)).toHaveLength(1);
  expect(outcome.counts?.rateLimited).toBe(1);
});

test.concurrent.for([500, 502, 503, 504])(
  'fault 11: %i is UPSTREAM_UNAVAILABLE, with bounded tries',
  async (status) => {
    const scene = await stage.openSynced();
    scene.upstream.on(listRoute, json({ errors: [] }, {}, status));
    await expectKept(scene, await scene.sync(), {
      code: 'UPSTREAM_UNAVAILABLE',
      says: [String(status), '200'],
    });
    // a 500 may refuse the page size: it is asked again with a smaller one, and with none
    expect(scene.upstream.requestsOf(listRoute)).toHaveLength(status === 500 ? 18 : 6);
  },
);

test.concurrent('fault 11: connections that are reset are UPSTREAM_UNAVAILABLE', async () => {
  const scene = await stage.openSynced();
  scene.upstream.on(listRoute, reset);
  await expectKept(scene, await scene.sync(), { code: 'UPSTREAM_UNAVAILABLE', says: ['ECONNRESET'] });
  expectTries(scene.upstream.requestsOf(listRoute), 6);
});

test.concurrent('fault 11: a host name that does not resolve is UPSTREAM_UNAVAILABLE', async () => {
  const scene = await stage.openSynced();
  await stage.harness.updateRemote(scene.ids.remoteId, { url: 'http://registry.invalid' });
  const says = [/^GET http:\/\/registry\.invalid\/v2\/library\/app\/tags\/list/, /resolved/];
  await expectKept(scene, await scene.sync(), { code: 'UPSTREAM_UNAVAILABLE', says, namesRequest: false });
});

test.concurrent('fault 13: a token realm of another domain gets no credentials', async () => {
  const scene = await stage.openSynced();
  await setPassword(scene, 'alice', testSecret('correct-horse'));
  const thief = await openFakeUpstream({ host: '127.0.0.2', fallback: json({ token: 'stolen' }) });
  try {
    const challenge = { 'www-authenticate': `Bearer realm="${thief.url}/token",service="x"` };
    scene.upstream.on(listRoute, json({}, challenge, 401));
    await expectKept(scene, await scene.sync(), {
      code: 'UPSTREAM_REALM_REFUSED',
      says: ['127.0.0.2'],
      namesRequest: false,
    });
    expect(thief.requests).toEqual([]);
  } finally {
    await thief.close();
  }
});

/** A registry with a token service: `token-of-<user>` is what a user gets, and needs, for a repository that has his name. */
function tokenRegistry(serve: Answer, url: () => string): Answer {
  return async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', url());
    if (pathname === '/token') {
      const [user = ''] = Buffer.from(authorizationOf(request).replace('Basic ', ''), 'base64')
        .toString()
        .split(':');
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ token: testSecret(`token-of-${user}`) }));
      return;
    }
    const owner = /^\/v2\/([^/]+)\//.exec(pathname)?.[1] ?? '';
    if (authorizationOf(request) !== `Bearer ${testSecret(`token-of-${owner}`)}`) {
      const realm = `Bearer realm="${url()}/token",service="registry"`;
      response.writeHead(401, { 'www-authenticate': realm, 'content-length': '0' }).end();
    } else if (typeof serve === 'function') await serve(request, response);
  };
}

function authorizationOf(request: IncomingMessage): string {
  return request.headers.authorization ?? '';
}

test.concurrent('fault 18: two remotes of one host, synced at once, use their own tokens', async () => {
  const repository = goodRepository('fault-18');
  let url = '';
  const upstream = await openFakeUpstream({ fallback: tokenRegistry(sampleAnswers(repository), () => url) });
  ({ url } = upstream);
  try {
    const scenes = await Promise.all(
      ['alice', 'bob'].map(async (user) => {
        const remote: Partial<Remote> = { url, upstreamName: `${user}/app` };
        const scene = await stage.open({ remote });
        await setPassword(scene, user, testSecret(`password-of-${user}`));
        return scene;
      }),
    );
    for (const outcome of await Promise.all(scenes.map((scene) => scene.sync())))
      expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
    for (const { path, headers } of upstream.requests) {
      const owner = /^\/v2\/([^/]+)\//.exec(path)?.[1];
      if (owner !== undefined && headers.authorization !== undefined)
        expect(headers.authorization).toBe(`Bearer ${testSecret(`token-of-${owner}`)}`);
    }
  } finally {
    await upstream.close();
  }
});

test.concurrent('fault 19: a wrong password is tried once', async () => {
  const scene = await stage.openSynced();
  await setPassword(scene, 'alice', testSecret('wrong-horse'));
  scene.upstream.on(
    listRoute,
    json({ errors: [{ code: 'UNAUTHORIZED' }] }, { 'www-authenticate': 'Basic realm="r"' }, 401),
  );
  const outcome = await scene.sync();
  await expectKept(scene, outcome, {
    code: 'UPSTREAM_UNAUTHORIZED',
    says: ['401', 'password', scene.upstream.url],
    namesRequest: false,
  });
  expect(outcome.task.errorMessage).not.toContain(testSecret('wrong-horse'));
  const tried = scene.upstream.requests.filter(({ headers }) => headers.authorization !== undefined);
  expect(tried.map(({ headers }) => headers.authorization)).toEqual([
    basic('alice', testSecret('wrong-horse')),
  ]);
});

test.concurrent('fault 20: blobs that redirect to another host are fetched there without the authorization', async () => {
  const repository = goodRepository('fault-20');
  const cdn = await openFakeUpstream({ host: '127.0.0.2', fallback: sampleAnswers(repository) });
  const registry: Answer = async (request, response) => {
    const serve = sampleAnswers(repository);
    if (authorizationOf(request) !== basic('alice', testSecret('correct-horse')))
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"', 'content-length': '0' }).end();
    else if (request.url?.includes('/blobs/') === true)
      response
        .writeHead(307, {
          location: `${cdn.url}${request.url}`,
          'set-cookie': 'session=1',
          'content-length': '0',
        })
        .end();
    else if (typeof serve === 'function') await serve(request, response);
  };
  try {
    const scene = await stage.open({ repository, upstream: { fallback: registry } });
    await setPassword(scene, 'alice', testSecret('correct-horse'));
    expect((await scene.sync()).task).toMatchObject({
      state: 'COMPLETED',
      createdVersion: 1,
      errorMessage: null,
    });
    expect(cdn.requests.length).toBeGreaterThan(0);
    for (const { headers } of cdn.requests) {
      expect(headers.authorization).toBeUndefined();
      expect(headers.cookie).toBeUndefined();
    }
    await readVersions(stage.harness, scene.ids.repositoryId);
  } finally {
    await cdn.close();
  }
});

test.concurrent('fault 104: a secret that cannot be opened fails the sync at once', async () => {
  const scene = await stage.openSynced();
  await stage.harness.updateRemote(scene.ids.remoteId, {
    username: 'alice',
    passwordSealed: 'not sealed at all',
  });
  const outcome = await scene.sync();
  await expectKept(scene, outcome, { code: 'SECRET_DAMAGED', namesRequest: false });
  expect(scene.upstream.requests).toEqual([]);
});

test('fault 104: an unexpected error is repeated a bounded number of times, and tells nothing', () => {
  const failures = Array.from({ length: 20 }, (_, at) =>
    toFailure(new Error(`relation "x": password=${testSecret('unexpected')}`), at + 1),
  );
  const last = failures.findIndex(({ nonRetryable }) => nonRetryable === true);
  expect(last).toBeGreaterThan(0);
  expect(last).toBeLessThan(20);
  for (const failure of failures) {
    expect(failure.type).toBe('INTERNAL');
    expect(`${failure.message} ${String(failure.cause)} ${JSON.stringify(failure.details)}`).not.toContain(
      testSecret('unexpected'),
    );
  }
});
