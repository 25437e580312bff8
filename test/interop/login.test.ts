/** Clients that others wrote, and another Tidemark, against a server that asks for a login. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Grant } from '../../src/access/scope.ts';
import { createToken } from '../../src/access/token.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import { startPushScene } from '../support/api/push-scene.ts';
import type { PushScene } from '../support/api/push-scene.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import { runPeer, runPeerAt, skipWithout } from './peers.ts';

let scene: PushScene;
let host: string;
let home: string;
const tokens: Record<string, string> = {};
const content = createSampleRepository();
const images = ['amd64', 'arm64'].map((architecture) =>
  addImage(content, { seed: architecture, layers: [200_000], platform: { os: 'linux', architecture } }),
);
const index = addIndex(content, { manifests: images, tag: 'v1' });

beforeAll(async () => {
  scene = await startPushScene({ logins: { tokens: true, oidc: undefined } });
  host = new URL(scene.api.url).host;
  home = await mkdtemp(join(tmpdir(), 'tidemark-login-'));
  await makeToken('reader', { role: 'reader', scope: 'team/*' });
  await makeToken('pusher', { role: 'pusher', scope: 'team/*' });
  await makeToken('maintainer', { role: 'maintainer', scope: 'team/*' });
  await makeToken('admin', { role: 'admin', scope: '*' });
  for (const name of ['team/shop', 'open/shop', 'other/secret'])
    await scene.pushSample(name, content, {
      authorization: `Basic ${Buffer.from(`x:${tokens['admin']}`).toString('base64')}`,
    });
  await scene.api.sql("update distribution set is_private = false where base_path = 'open/shop'");
});
afterAll(async () => {
  await scene?.close();
  await rm(home, { recursive: true, force: true });
});

async function makeToken(name: string, grant: Grant): Promise<void> {
  const made = await createToken(scene.api.database.em.fork(), { name, expiresInDays: 1, grants: [grant] });
  tokens[name] = made?.text ?? '';
}

/** skopeo with what `docker login` would have written down. */
async function skopeoAs(caller: string) {
  const file = join(home, `${caller}.json`);
  const login = (password: string) =>
    runPeer('skopeo', 'login', '--tls-verify=false', '--authfile', file, '-u', caller, '-p', password, host);
  await login(tokens[caller] ?? '');
  return {
    login,
    run: (command: string, ...args: string[]) => runPeer('skopeo', command, '--authfile', file, ...args),
  };
}

test.skipIf(skipWithout('skopeo'))(
  'skopeo logs in, pulls, pushes and deletes as far as its role goes',
  async () => {
    const reader = await skopeoAs('reader');
    await expect(reader.login('nonsense')).rejects.toThrow(/unauthorized|invalid username\/password/i);
    const layout = `oci:${join(home, 'layout')}:v1`;
    const shop = `docker://${host}/team/shop:v1`;
    await reader.run('copy', '--all', '--src-tls-verify=false', shop, layout);
    await expect(
      reader.run('copy', '--all', '--dest-tls-verify=false', layout, `docker://${host}/team/by-reader:v1`),
    ).rejects.toThrow(/denied|unauthorized/i);
    await expect(
      reader.run('inspect', '--raw', '--tls-verify=false', `docker://${host}/other/secret:v1`),
    ).rejects.toThrow(/unauthorized|denied/i);

    const pusher = await skopeoAs('pusher');
    const target = `docker://${host}/team/by-skopeo:v1`;
    await pusher.run('copy', '--all', '--preserve-digests', '--dest-tls-verify=false', layout, target);
    const raw = await reader.run('inspect', '--raw', '--tls-verify=false', target);
    expect(raw.equals(content.manifests.get(index.digest)?.bytes ?? Buffer.alloc(0))).toBe(true);
    await expect(pusher.run('delete', '--tls-verify=false', target)).rejects.toThrow(/denied|unauthorized/i);
    const maintainer = await skopeoAs('maintainer');
    await maintainer.run('delete', '--tls-verify=false', target);
    await expect(reader.run('inspect', '--raw', '--tls-verify=false', target)).rejects.toThrow(
      /unknown|not found/i,
    );
  },
);

const inspect = (name: string) =>
  runPeer('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${host}/${name}:v1`);

test.skipIf(skipWithout('skopeo'))(
  'skopeo pulls without a login what is public, and nothing else',
  async () => {
    expect((await inspect('open/shop')).length).toBeGreaterThan(0);
    await expect(inspect('team/shop')).rejects.toThrow(/unauthorized|authentication required/i);
  },
);

test.skipIf(skipWithout('crane'))('crane logs in, lists, pulls, pushes, and copies by mounts', async () => {
  const crane = (...args: string[]) => runPeerAt(home, 'crane', ...args, '--insecure');
  await expect(crane('digest', `${host}/team/shop:v1`)).rejects.toThrow(/UNAUTHORIZED/i);
  expect(String(await crane('digest', `${host}/open/shop:v1`)).trim()).toBe(index.digest);
  await runPeerAt(home, 'crane', 'auth', 'login', host, '-u', 'anything', '-p', tokens['pusher'] ?? '');
  expect(String(await crane('digest', `${host}/team/shop:v1`)).trim()).toBe(index.digest);
  expect(String(await crane('ls', `${host}/team/shop`)).trim()).toBe('v1');
  const catalog = String(await crane('catalog', host))
    .trim()
    .split('\n');
  expect(catalog).toEqual(expect.arrayContaining(['open/shop', 'team/shop']));
  expect(catalog).not.toContain('other/secret');
  await crane('copy', `${host}/team/shop:v1`, `${host}/team/by-crane:copied`);
  expect(String(await crane('digest', `${host}/team/by-crane:copied`)).trim()).toBe(index.digest);
  await expect(crane('copy', `${host}/team/shop:v1`, `${host}/other/by-crane:v1`)).rejects.toThrow(
    /UNAUTHORIZED|DENIED/i,
  );
});

test.skipIf(skipWithout('oras'))('oras logs in, and resolves', async () => {
  const login = ['login', '--plain-http', '-u', 'anything', '-p', tokens['reader'] ?? '', host];
  await runPeerAt(home, 'oras', ...login);
  const digest = await runPeerAt(home, 'oras', 'resolve', '--plain-http', `${host}/team/shop:v1`);
  expect(String(digest).trim()).toBe(index.digest);
});

test('another Tidemark syncs with a token as its password, and not without one', async () => {
  const harness = await startSyncHarness();
  try {
    const ids = await harness.createRepository({ url: scene.api.url, upstreamName: 'team/shop' });
    expect((await harness.sync(ids)).task).toMatchObject({
      state: 'FAILED',
      errorCode: 'UPSTREAM_UNAUTHORIZED',
    });
    const passwordSealed = harness.secrets.encrypt(tokens['reader'] ?? '', `remote:${ids.remoteId}:password`);
    await harness.updateRemote(ids.remoteId, { username: 'mirror', passwordSealed });
    const { task, latest } = await harness.sync(ids);
    expect(task).toMatchObject({ state: 'COMPLETED' });
    expect([...(await harness.tags(ids.repositoryId, latest))]).toEqual([['v1', index.digest]]);
  } finally {
    await harness.close();
  }
});
