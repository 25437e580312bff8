/** Ways around the checks that a hostile reader of the schema would try (fault 91): through nested fields, through mistakes, and through others' rights. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertManifest, insertMember } from '../../support/api/content.ts';
import { pull } from '../../support/api/pull.ts';
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

describe('pull-through', () => {
  test('is switched on only by maintainers of the repository that it makes versions of', async () => {
    const [own, others] = await makePair();
    await scene.api.sql('update repository set remote_id = $1 where id = $2', [
      numberOf(others.remoteId),
      numberOf(others.repositoryId),
    ]);
    const token = await scene.makeToken(`serves ${others.name}`, [
      { role: 'maintainer', scope: 'team/*' },
      { role: 'reader', scope: others.name },
    ]);
    const repository = `repositoryId: ${text(others.repositoryId)}`;
    const create = (more: string) =>
      mutate('distributionCreate', `basePath: ${text(own.freeName)}, ${repository}, ${more}`, token);
    expect((await create('pullThrough: true')).mistakes).toMatchObject([
      { code: 'FORBIDDEN', field: ['pullThrough'] },
    ]);
    expect((await create('pullThrough: false')).mistakes).toEqual([]);
    const made = await scene.api.graphql(
      `{ distribution(basePath: ${text(own.freeName)}) { id } }`,
      {},
      token,
    );
    const id = `id: ${text(made.data.distribution.id as string)}`;
    expect((await mutate('distributionUpdate', `${id}, pullThrough: true`, token)).mistakes).toMatchObject([
      { code: 'FORBIDDEN' },
    ]);
    await scene.api.sql('update distribution set pull_through = true where id = $1', [
      numberOf(own.distributionId),
    ]);
    const pointed = await mutate(
      'distributionPoint',
      `id: ${text(own.distributionId)}, ${repository}`,
      token,
    );
    expect(pointed.mistakes).toMatchObject([{ code: 'FORBIDDEN', field: ['repositoryId'] }]);
  });
});

test('fault 91: content is copied from versions that the caller may read only', async () => {
  const [own, others] = await makePair();
  const input = `repositoryId: ${text(own.repositoryId)}, sourceVersionId: ${text(others.versionId)}, tags: ["plain"]`;
  const { mistakes } = await mutate('repositoryCopyContent', input, scene.tokens.admin);
  expect(mistakes).toMatchObject([{ code: 'NOT_FOUND', field: ['sourceVersionId'] }]);
});

test('fault 91: two versions are compared by those who may read both', async () => {
  const [own, others] = await makePair();
  for (const [from, to] of [
    [own, others],
    [others, own],
  ] as const) {
    const query = `{ versionDiff(from: ${text(from.versionId)}, to: ${text(to.versionId)}) { tags(first: 9) { totalCount } } }`;
    expect((await scene.api.graphql(query, {}, scene.tokens.admin)).data).toEqual({ versionDiff: null });
  }
});

test('fault 91: a name that is taken elsewhere is refused as one that is free', async () => {
  const others = await scene.makeThings('other');
  const taken: Record<string, (name: string) => string> = {
    repositoryCreate: (name) => `name: ${text(name)}`,
    remoteCreate: (name) => `name: ${text(name)}, url: "https://registry.example", upstreamName: "a/b"`,
    distributionCreate: (name) => `basePath: ${text(name)}, repositoryId: ${text(others.repositoryId)}`,
    credentialCreate: (name) => `name: ${text(name)}, kind: STATIC`,
    signaturePolicyCreate: (name) => `name: ${text(name)}`,
  };
  for (const [field, input] of Object.entries(taken)) {
    const [there, free] = await Promise.all(
      [others.name, others.freeName].map(async (name) =>
        (await mutate(field, input(name), scene.tokens.admin)).text.replaceAll(name, '…'),
      ),
    );
    expect(there).toBe(free);
    expect(there).toContain('FORBIDDEN');
  }
});

test('fault 91: tasks that work on everything are seen by those who read everything', async () => {
  const [row] = await scene.api.sql(
    "insert into task (name, arguments, workflow_id, state, finished_at) values ('content.collect', '{}', 'reach-test', 'COMPLETED', now()) returning id",
  );
  const id = Buffer.from(`Task:${Number(row?.['id'])}`).toString('base64url');
  const query = `{ task(id: ${text(id)}) { id } node(id: ${text(id)}) { id } tasks(first: 100, state: COMPLETED) { nodes { id } } }`;
  const { data } = await scene.api.graphql(query, {}, scene.tokens.admin);
  expect(data).toMatchObject({ task: null, node: null });
  expect(JSON.stringify(data.tasks)).not.toContain(id);
  expect((await scene.api.graphql(query, {}, scene.tokens.root)).data.task).toEqual({ id });
});

test('a token in an address is not looked at, and in no log', async () => {
  const secret = scene.tokens.root ?? '';
  for (const path of [
    `/v2/_catalog?access_token=${secret}`,
    `/v2/_catalog?token=${secret}`,
    `/graphql?query=%7B__typename%7D&authorization=Bearer%20${secret}`,
    `/metrics?access_token=${secret}`,
  ]) {
    const headers = { 'content-type': 'application/json' };
    const { status, body } = await pull(scene.api.url, { path, headers });
    expect([path.split('?')[0], status]).toEqual([path.split('?')[0], 401]);
    expect(body.toString()).not.toContain(secret);
  }
  expect(scene.api.logged()).not.toContain(secret);
});

test('fault 85: what lists without pages multiply to is counted while it is read', async () => {
  const [own] = await makePair();
  let below: number[] = [];
  for (let level = 0; level < 4; level += 1) {
    const made: number[] = [];
    for (let place = 0; place < (level === 3 ? 1 : 20); place += 1) {
      const id = await insertManifest(scene.api, {
        name: `bomb ${own.name} ${level} ${place}`,
        children: below,
      });
      await insertMember(scene.api, { repositoryId: numberOf(own.repositoryId), addedIn: 1 }, 'manifest', id);
      made.push(id);
    }
    below = made;
  }
  const id = Buffer.from(`Manifest:${below[0]}`).toString('base64url');
  const ask = (levels: number) => {
    const inner = Array.from({ length: levels }).reduce<string>((rest) => `manifests { ${rest} }`, 'digest');
    return scene.api.graphql(
      `{ node(id: ${text(id)}) { ... on Manifest { ${inner} } } }`,
      {},
      scene.tokens.reader,
    );
  };
  expect((await ask(2)).errors).toBeUndefined();
  await scene.api.sql(
    `insert into manifest_manifest (parent_id, position, child_id)
     select e.parent_id, e.position + 20 * k, e.child_id from manifest_manifest e, generate_series(1, 2) as k
     where exists (select from manifest m where m.id = e.parent_id and m.raw like $1)`,
    [Buffer.from(`bomb ${own.name} %`)],
  );
  const { errors } = await ask(3);
  expect(errors?.[0]?.extensions['code']).toBe('QUERY_TOO_COMPLEX');
});
