/** What belongs together in the memory of hosts, and what confirms what. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHostMemories } from '../../src/activities/sync/host-memories.ts';
import { HostCapability, Remote } from '../../src/db/schema/remotes.ts';
import { hostScope } from '../../src/upstream/clients/host-scope.ts';
import { openStage } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { testSecret } from '../support/test-secret.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => stage.close());

async function openRemote(): Promise<Remote> {
  const { ids } = await stage.open();
  return stage.harness.em().findOneOrFail(Remote, { id: ids.remoteId });
}

async function verdictOf(remote: Remote): Promise<string | undefined> {
  const key = { scope: hostScope(remote), capability: 'REFERRERS' } as const;
  return (await stage.harness.em().findOne(HostCapability, key))?.verdict;
}

test('a secret is not part of a scope; remotes with secret headers or a secret proxy have one of their own', async () => {
  const remote = await openRemote();
  const scope = hostScope(remote);
  const sealed = testSecret('sealed-setting');
  const other: Remote = { ...remote, id: 0, passwordSealed: sealed, sslClientKeySealed: sealed };
  expect(hostScope(other)).toBe(scope);
  for (const secret of [{ headersSealed: sealed }, { proxyUrlSealed: sealed }]) {
    expect(hostScope({ ...remote, ...secret })).not.toBe(hostScope({ ...remote, ...secret, id: 0 }));
    const changed = Object.fromEntries(Object.keys(secret).map((field) => [field, sealed.toUpperCase()]));
    expect(hostScope({ ...remote, ...changed })).toBe(hostScope({ ...remote, ...secret }));
  }
  const { url } = remote;
  for (const elsewhere of [
    url.replace('http:', 'https:'),
    url.replace('127.0.0.1', '127.0.0.2'),
    `${url}/prefix`,
  ])
    expect(hostScope({ ...remote, url: elsewhere })).not.toBe(scope);
  expect(hostScope({ ...remote, url: `${url}/` })).toBe(scope);
  const logins = [{ username: 'other' }, { credentialId: 1 }, { credentialId: 2 }];
  const scopes = logins.map((login) => hostScope({ ...remote, ...login }));
  expect(new Set([scope, ...scopes]).size).toBe(4);
});

test('one witness counts once, and one with different answers is none', async () => {
  const remote = await openRemote();
  const { database, activityOptions } = stage.harness;
  const open = (witness: string) =>
    createHostMemories({ database, ...activityOptions }).open(remote, witness);
  const told = { objects: 3, reason: 'GET … was answered 404' };
  for (const witness of ['task 1', 'task 1', 'task 1']) await open(witness).missing('REFERRERS', told);
  expect(await open('task 2').recall('REFERRERS')).toBe(undefined);
  const mixed = open('task 2');
  await mixed.missing('REFERRERS', told);
  expect(await mixed.recall('REFERRERS')).toEqual({ kind: 'absent', reason: told.reason });
  await mixed.doubt('REFERRERS');
  await mixed.missing('REFERRERS', told);
  expect(await verdictOf(remote)).toBe(undefined);
  await open('task 3').missing('REFERRERS', told);
  expect(await verdictOf(remote)).toBe('SUSPECTED');
});
