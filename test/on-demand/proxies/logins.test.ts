/** Pulls below the base path of a proxy, and by `?ns=`: what they make, and what they leave alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { createToken } from '../../../src/access/token.ts';
import type { Grant } from '../../../src/access/scope.ts';
import { kysely } from '../../../src/db/sql.ts';
import { startHarnessApi } from '../../support/api/harness-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { pull } from '../../support/api/pull.ts';
import type { PullAnswer } from '../../support/api/pull.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { proxySteps } from '../../support/upstream/proxied-registry.ts';

let stage: StageWithApi;
let api: HarnessApi;
/** A second process over the same database. */
let second: HarnessApi;
/** A process with logins. */
let guarded: HarnessApi;
const upstreams: FakeUpstream[] = [];

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
  second = await startHarnessApi(stage.harness);
  guarded = await startHarnessApi(stage.harness, { logins: { tokens: true, oidc: undefined } });
});

afterAll(async () => {
  await Promise.all([second?.close(), guarded?.close()]);
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  await stage?.close();
});
const digestOf = ({ status, headers }: PullAnswer) => [status, headers['docker-content-digest']];
const codeOf = ({ status, body }: PullAnswer) => [
  status,
  (JSON.parse(body.toString()) as { errors: { code: string }[] }).errors[0]?.code,
];

const { openRegistry, createProxy, get, made } = proxySteps(() => ({ api, stage, upstreams }));

describe('with logins', () => {
  const tokens: Record<string, string> = {};
  const basic = (name: string) => ({
    authorization: `Basic ${Buffer.from(`${name}:${tokens[name]}`).toString('base64')}`,
  });

  async function makeToken(name: string, grants: readonly Grant[]): Promise<void> {
    const token = await createToken(stage.harness.em(), { name, expiresInDays: 1, grants });
    tokens[name] = token?.text ?? '';
  }

  /** The header with a registry token for the scopes. */
  async function bearer(caller: string | undefined, ...scopes: string[]): Promise<Record<string, string>> {
    const query = scopes.map((scope) => `scope=repository:${scope}`).join('&');
    const headers = caller === undefined ? {} : basic(caller);
    const { body } = await pull(guarded.url, { path: `/token?${query}`, headers });
    return { authorization: `Bearer ${(JSON.parse(body.toString()) as { token: string }).token}` };
  }

  test('what a proxy makes is private: only who may read it makes and pulls it, with either scope', async () => {
    await makeToken('keeper', [{ role: 'maintainer', scope: '*' }]);
    await makeToken('reader', [{ role: 'reader', scope: 'safe/library/*' }]);
    await makeToken('stranger', [{ role: 'reader', scope: 'library/*' }]);
    const hub = await openRegistry('library/app', 'library/late', 'team/app');
    await createProxy(
      { basePath: 'safe', url: hub.upstream.url, namespaces: ['safe.example'] },
      guarded,
      tokens['keeper'],
    );
    const path = 'library/app/manifests/v1?ns=safe.example';
    const anonymous = await get(path, guarded);
    expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('scope="repository:safe/library/app:pull"'),
    ]);
    for (const scope of ['library/app:pull', 'safe/library/app:pull']) {
      for (const caller of [undefined, 'stranger'])
        expect((await get(path, guarded, await bearer(caller, scope))).status).toBe(401);
      expect(codeOf(await get(path, guarded, basic('stranger')))).toEqual([404, 'NAME_UNKNOWN']);
    }
    expect([hub.upstream.requests, await made('safe')]).toEqual([[], []]);

    const wide = 'library/app:pull,push,delete';
    const unprefixed = await bearer('reader', wide);
    expect(digestOf(await get(path, guarded, unprefixed))).toEqual([200, hub.digests['library/app']]);
    const claims = JSON.parse(
      Buffer.from(unprefixed['authorization']?.split('.')[1] ?? '', 'base64url').toString(),
    ) as { access: object[] };
    expect(claims.access).toEqual([{ type: 'repository', name: 'library/app', actions: ['pull'] }]);
    for (const scope of ['safe/library/app:pull', 'library/app:pull'])
      expect((await get(path, guarded, await bearer('reader', scope))).status).toBe(200);
    // a token for one name is none for another
    const other = 'library/late/manifests/v1?ns=safe.example';
    expect((await get(other, guarded, unprefixed)).status).toBe(401);
    expect((await get('library/app/manifests/v1', guarded, unprefixed)).status).toBe(401);
    for (const caller of [undefined, 'stranger'])
      expect((await get(path, guarded, await bearer(caller, 'library/app:pull'))).status).toBe(401);
    expect((await get('safe/team/app/manifests/v1', guarded, basic('reader'))).status).toBe(404);
    expect(await made('safe')).toEqual(['safe/library/app']);

    // whoever has made the proxy may no longer make repositories
    await sql`update access_token set revoked_at = now() where name = 'keeper'`.execute(
      kysely(stage.harness.em()),
    );
    expect(codeOf(await get(other, guarded, basic('reader')))).toEqual([503, 'UNAVAILABLE']);
    expect(await made('safe')).toEqual(['safe/library/app']);
  });

  test('everybody may pull by a public proxy', async () => {
    await makeToken('owner', [{ role: 'maintainer', scope: '*' }]);
    const hub = await openRegistry('library/app');
    const open = { basePath: 'open', url: hub.upstream.url, private: false, namespaces: ['docker.io:445'] };
    await createProxy(open, guarded, tokens['owner']);
    const token = await bearer(undefined, 'library/app:pull');
    expect((await get('library/app/manifests/v1?ns=docker.io:445', guarded, token)).status).toBe(200);
    expect((await get('open/library/app/manifests/v2', guarded)).status).toBe(200);
    // Docker Hub's short spelling, of what is public already
    await createProxy({ basePath: 'docker.io', url: hub.upstream.url, namespaces: ['docker.io'] });
    await get('docker.io/library/app/manifests/v1');
    const short = await bearer(undefined, 'docker.io/app:pull');
    expect((await get('docker.io/app/manifests/v1', guarded, short)).status).toBe(200);
    expect(await made('open')).toEqual(['open/library/app']);
  });
});
