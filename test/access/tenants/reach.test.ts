/** Ways around the checks that a hostile reader of the schema would try (fault 91): through nested fields, through mistakes, and through others' rights. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, insertBlob, insertManifest, insertMember } from '../../support/api/content.ts';
import { startAccessScene } from '../support/scene.ts';
import type { AccessScene, Things } from '../support/scene.ts';

let scene: AccessScene;
beforeAll(async () => {
  scene = await startAccessScene();
});
afterAll(() => scene?.close());

const numberOf = (id: string): number => Number(Buffer.from(id, 'base64url').toString().split(':')[1]);
const text = (value: string): string => JSON.stringify(value);

async function mutate(field: string, input: string, token: string | undefined) {
  const selection = field.startsWith('schedule') && field !== 'scheduleTrigger' ? 'schedule { id }' : '';
  const answer = await scene.api.graphql(
    `mutation { ${field}(input: { ${input} }) { ${selection} userErrors { code field message } } }`,
    {},
    token,
  );
  return { ...answer, result: answer.data?.[field], mistakes: answer.data?.[field]?.userErrors };
}

async function makePair(): Promise<readonly [own: Things, others: Things]> {
  return [await scene.makeThings('team'), await scene.makeThings('other')];
}

describe('fault 91: of a manifest that two repositories hold', () => {
  test('signatures and referrers of the other one are neither told by the manifest nor by their ids', async () => {
    const [own, others] = await makePair();
    const othersRange = { repositoryId: numberOf(others.repositoryId), addedIn: 1 };
    await insertMember(scene.api, othersRange, 'manifest', numberOf(own.manifestId));
    const [signature] = await scene.api.sql(
      "insert into signature (kind, signed_digest, name, content) values ('ATOMIC', $1, $2, 'x') returning id",
      [own.digest, `${own.digest}@${others.name}`],
    );
    await insertMember(scene.api, othersRange, 'signature', Number(signature?.['id']));
    const referrer = await insertManifest(scene.api, { name: `referrer ${others.name}` });
    await scene.api.sql('update manifest set subject_digest = $1 where id = $2', [own.digest, referrer]);
    await insertMember(scene.api, othersRange, 'manifest', referrer);
    const query = `{ node(id: ${text(own.manifestId)}) { ... on Manifest { signatures { name } referrers { digest } } } }`;
    const told = (await scene.api.graphql(query, {}, scene.tokens.reader)).data.node;
    expect(told).toEqual({ signatures: [{ name: `${own.digest}@${own.name}` }], referrers: [] });
    const all = (await scene.api.graphql(query, {}, scene.tokens.root)).data.node;
    expect(all.signatures).toHaveLength(2);
    expect(all.referrers).toEqual([{ digest: digestOf(`referrer ${others.name}`) }]);
  });

  test('the size below an index counts no child that only the other one holds', async () => {
    const [own, others] = await makePair();
    const blob = await insertBlob(scene.api, `large ${others.name}`, 1_000_000);
    const child = await insertManifest(scene.api, {
      name: `child ${others.name}`,
      blobs: [[blob, 1_000_000]],
    });
    const index = await insertManifest(scene.api, { name: `index ${own.name}`, children: [child] });
    await insertMember(
      scene.api,
      { repositoryId: numberOf(others.repositoryId), addedIn: 1 },
      'manifest',
      child,
    );
    await insertMember(
      scene.api,
      { repositoryId: numberOf(own.repositoryId), addedIn: 1 },
      'manifest',
      index,
    );
    const id = Buffer.from(`Manifest:${index}`).toString('base64url');
    const query = `{ node(id: ${text(id)}) { ... on Manifest { totalSizeBytes manifests { digest } } } }`;
    const { data } = await scene.api.graphql(query, {}, scene.tokens.reader);
    expect(data.node).toEqual({ totalSizeBytes: `index ${own.name}`.length, manifests: [] });
    const all = await scene.api.graphql(query, {}, scene.tokens.root);
    expect(all.data.node.totalSizeBytes).toBeGreaterThan(1_000_000);
  });
});

describe('fault 91: a signature policy that the caller may not read', () => {
  test('is null below what it is used by, and the verdict stays', async () => {
    const [own, others] = await makePair();
    await scene.api.sql('update repository set signature_policy_id = $1 where id = $2', [
      numberOf(others.signaturePolicyId),
      numberOf(own.repositoryId),
    ]);
    const query = `{ repository(name: ${text(own.name)}) { signaturePolicy { keys }
      latestVersion { tag(name: "plain") { verified { isVerified policy { name } } } } } }`;
    const { data, errors } = await scene.api.graphql(query, {}, scene.tokens.reader);
    expect(errors).toBeUndefined();
    expect(data.repository).toEqual({
      signaturePolicy: null,
      latestVersion: { tag: { verified: { isVerified: false, policy: null } } },
    });
  });

  test('cannot be given to anything, as one that is not there', async () => {
    const [own, others] = await makePair();
    for (const [field, id] of [
      ['repositoryUpdate', own.repositoryId],
      ['remoteUpdate', own.remoteId],
      ['distributionUpdate', own.distributionId],
    ] as const) {
      const input = `id: ${text(id)}, signaturePolicyId: ${text(others.signaturePolicyId)}`;
      const { mistakes } = await mutate(field, input, scene.tokens.admin);
      expect(mistakes).toMatchObject([{ code: 'NOT_FOUND', field: ['signaturePolicyId'] }]);
    }
  });

  test('that others use is not deleted, and they are counted and not named', async () => {
    const [own, others] = await makePair();
    await scene.api.sql('update remote set signature_policy_id = $1 where id = $2', [
      numberOf(own.signaturePolicyId),
      numberOf(others.remoteId),
    ]);
    const answer = await mutate(
      'signaturePolicyDelete',
      `id: ${text(own.signaturePolicyId)}`,
      scene.tokens.maintainer,
    );
    expect(answer.mistakes).toMatchObject([
      { code: 'IN_USE', message: expect.stringContaining('1 that you may not read') },
    ]);
    expect(answer.text).not.toContain(others.name);
  });
});

describe('fault 91: a remote', () => {
  test('of others is not there for a schedule; one that is only read may not be used by it', async () => {
    const [own, others] = await makePair();
    const input = `repositoryId: ${text(own.emptyRepositoryId)}, remoteId: ${text(others.remoteId)}, intervalSeconds: 31622400`;
    expect((await mutate('scheduleCreate', input, scene.tokens.admin)).mistakes).toMatchObject([
      { code: 'NOT_FOUND', field: ['remoteId'] },
    ]);
    const reading = await scene.makeToken(`reads ${others.name}`, [
      { role: 'maintainer', scope: 'team/*' },
      { role: 'reader', scope: others.name },
    ]);
    expect((await mutate('scheduleCreate', input, reading)).mistakes).toMatchObject([
      { code: 'FORBIDDEN', field: ['remoteId'] },
    ]);
    const update = `id: ${text(own.scheduleId)}, remoteId: ${text(others.remoteId)}`;
    expect((await mutate('scheduleUpdate', update, reading)).mistakes).toMatchObject([{ code: 'FORBIDDEN' }]);
  });

  test('that somebody gave a schedule is used by whoever triggers it, and shown to nobody by that', async () => {
    const [own, others] = await makePair();
    await scene.api.sql('update schedule set remote_id = $1 where id = $2', [
      numberOf(others.remoteId),
      numberOf(own.scheduleId),
    ]);
    const id = `id: ${text(own.scheduleId)}`;
    const kept = await mutate('scheduleUpdate', `${id}, jitterSeconds: 1`, scene.tokens.maintainer);
    expect(kept.mistakes).toEqual([]);
    const triggered = await mutate('scheduleTrigger', id, scene.tokens.maintainer);
    expect(triggered.mistakes).toEqual([]);
    const query = `{ schedule(id: ${text(own.scheduleId)}) { remote { name } runs(first: 1) { nodes { task { state } } } } }`;
    const { data } = await scene.api.graphql(query, {}, scene.tokens.reader);
    expect(data.schedule).toEqual({ remote: null, runs: { nodes: [{ task: { state: 'WAITING' } }] } });
  });

  test('that the caller is no maintainer of does not store the options of a sync, and is not named', async () => {
    const [own, others] = await makePair();
    await scene.api.sql('update repository set remote_id = $1 where id = $2', [
      numberOf(others.remoteId),
      numberOf(own.emptyRepositoryId),
    ]);
    const input = `repositoryId: ${text(own.emptyRepositoryId)}, overrides: { includeTags: ["v1"] }, saveOverrides: true`;
    const { mistakes, text: told } = await mutate('repositorySync', input, scene.tokens.maintainer);
    expect(mistakes).toMatchObject([{ code: 'FORBIDDEN', field: ['saveOverrides'] }]);
    expect(told).not.toContain(others.name);
  });

  test("that others' schedules and tasks use is not deleted, and what uses it is not named", async () => {
    const [own, others] = await makePair();
    const remote = numberOf(own.remoteId);
    await scene.api.sql('update schedule set remote_id = $1 where id = $2', [
      remote,
      numberOf(others.scheduleId),
    ]);
    await scene.api.sql('update task set remote_id = $1 where id = $2', [
      remote,
      numberOf(others.openTaskId),
    ]);
    const { mistakes, text: told } = await mutate(
      'remoteDelete',
      `id: ${text(own.remoteId)}`,
      scene.tokens.maintainer,
    );
    expect(mistakes).toMatchObject([
      { code: 'IN_USE', message: expect.stringContaining('a schedule that you may not read') },
      { code: 'IN_USE', message: expect.stringContaining('a task that you may not read') },
    ]);
    for (const hidden of [others.scheduleId, others.openTaskId]) expect(told).not.toContain(hidden);
  });
});
