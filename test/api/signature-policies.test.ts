import { generateKeyPairSync } from 'node:crypto';
import { generateKey } from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { createSigstoreWorld } from '../support/signatures/sigstore-world.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { insertSample } from '../support/api/sample-repository.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const pair = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const { identity, trustedRoot } = createSigstoreWorld();
const fields = `signaturePolicy { id name keys openPgpKeys identities { issuer subject } trustedRoot dockerReference onFailure }`;
let names = 0;
const newName = () => `policy ${(names += 1)}`;

const mutate = (mutation: 'Create' | 'Update', input: object) =>
  api.mutate(`signaturePolicy${mutation}`, input, fields);

async function create(input: object = {}) {
  const { signaturePolicy, userErrors } = await mutate('Create', {
    name: newName(),
    keys: [pair.publicKey],
    ...input,
  });
  expect(userErrors).toEqual([]);
  return signaturePolicy;
}

async function remove(id: string) {
  const { data, errors } = await api.graphql(
    'mutation ($id: ID!) { signaturePolicyDelete(input: { id: $id }) { deletedId userErrors { code field message } } }',
    { id },
  );
  expect(errors).toBeUndefined();
  return data.signaturePolicyDelete;
}

async function revision(): Promise<unknown> {
  return (await api.sql('select revision from signature_policy order by id desc limit 1'))[0]?.['revision'];
}

describe('a signature policy', () => {
  test('has everything that it was given, and is found by id, by name, as a node and in the list', async () => {
    const { publicKey } = await generateKey({ userIDs: { name: 'A' }, format: 'armored' });
    const input = {
      name: newName(),
      keys: [pair.publicKey],
      openPgpKeys: [publicKey],
      identities: [identity],
      trustedRoot,
      dockerReference: 'quay.io/acme/app',
      onFailure: 'FAIL_SYNC',
    };
    const made = await create(input);
    expect(made).toEqual({ id: made.id, ...input });
    const { data } = await api.graphql(
      `query ($id: ID!, $name: String!) { byId: signaturePolicy(id: $id) { name } byName: signaturePolicy(name: $name) { id }
        node(id: $id) { id } signaturePolicies(first: 100) { totalCount nodes { id } } }`,
      { id: made.id, name: input.name },
    );
    expect(data).toMatchObject({
      byId: { name: input.name },
      byName: { id: made.id },
      node: { id: made.id },
    });
    expect(data.signaturePolicies.nodes).toContainEqual({ id: made.id });
  });

  test('skips tags unless it is told to fail', async () => {
    expect(await create()).toMatchObject({ onFailure: 'SKIP_TAG' });
    expect(await create({ onFailure: null })).toMatchObject({ onFailure: 'SKIP_TAG' });
  });

  test('keeps what an update omits, and clears what is null', async () => {
    const made = await create({ identities: [identity], trustedRoot });
    const renamed = newName();
    expect((await mutate('Update', { id: made.id, name: renamed })).signaturePolicy).toEqual({
      ...made,
      name: renamed,
    });
    expect(
      (await mutate('Update', { id: made.id, identities: null, trustedRoot: null })).signaturePolicy,
    ).toEqual({ ...made, name: renamed, identities: [], trustedRoot: null });
  });

  test('is another revision when what it trusts changes, and only then', async () => {
    const { id } = await create();
    expect(await revision()).toBe(1);
    await mutate('Update', { id, name: newName(), onFailure: 'FAIL_SYNC', keys: [pair.publicKey] });
    expect(await revision()).toBe(1);
    await mutate('Update', { id, dockerReference: 'quay.io/acme/app' });
    expect(await revision()).toBe(2);
  });

  test.each<[string, object, string, string[]]>([
    ['nothing to trust', { keys: [] }, 'INVALID', ['keys']],
    ['a private key', { keys: [pair.privateKey] }, 'INVALID', ['keys', '0']],
    ['a damaged OpenPGP key', { openPgpKeys: ['x'] }, 'INVALID', ['openPgpKeys', '0']],
    ['identities without a root', { identities: [identity] }, 'INVALID', ['trustedRoot']],
    ['a root that is none', { identities: [identity], trustedRoot: '[]' }, 'INVALID', ['trustedRoot']],
    ['no name', { name: '' }, 'INVALID', ['name']],
  ])('fault 55: %s is a mistake, and no key is repeated', async (_what, input, code, field) => {
    const { signaturePolicy, userErrors } = await mutate('Create', {
      name: newName(),
      keys: [pair.publicKey],
      ...input,
    });
    expect(signaturePolicy).toBeNull();
    expect(userErrors).toEqual([{ code, field, message: expect.any(String) }]);
    const line = pair.privateKey.split('\n')[1] ?? '';
    expect(`${JSON.stringify(userErrors)}${api.logged()}`).not.toContain(line);
  });

  test('an update that would leave nothing to trust changes nothing', async () => {
    const made = await create();
    const { signaturePolicy, userErrors } = await mutate('Update', { id: made.id, keys: null });
    expect(signaturePolicy).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'INVALID', field: ['keys'] }]);
  });

  test('its name is taken once', async () => {
    const { name } = await create();
    const { userErrors } = await mutate('Create', { name, keys: [pair.publicKey] });
    expect(userErrors).toMatchObject([{ code: 'ALREADY_EXISTS', field: ['name'] }]);
    const racing = newName();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => mutate('Create', { name: racing, keys: [pair.publicKey] })),
    );
    expect(answers.filter(({ signaturePolicy }) => signaturePolicy !== null)).toHaveLength(1);
  });

  test('one that is not there is a mistake', async () => {
    const id = toGlobalId('SignaturePolicy', 999_999);
    expect((await mutate('Update', { id, name: newName() })).userErrors).toMatchObject([
      { code: 'NOT_FOUND', field: ['id'] },
    ]);
    expect((await remove(id)).userErrors).toMatchObject([{ code: 'NOT_FOUND', field: ['id'] }]);
  });
});

describe('objects with a policy', () => {
  const nouns = {
    remote: () => ({ name: newName(), url: 'http://127.0.0.1:1', upstreamName: 'a/b' }),
    repository: () => ({ name: `policy/${(names += 1)}` }),
    distribution: async () => ({
      basePath: `policy/${(names += 1)}`,
      repositoryId: toGlobalId(
        'Repository',
        (await insertSample(api, `sample/${(names += 1)}`)).repositoryId,
      ),
    }),
  };

  test.each(Object.entries(nouns))('%s: is given one, loses it, and holds it', async (noun, makeInput) => {
    const title = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;
    const change = async (verb: 'Create' | 'Update', input: object) => {
      const { data, errors } = await api.graphql(
        `mutation ($input: ${title}${verb}Input!) { ${noun}${verb}(input: $input) {
          ${noun} { id signaturePolicy { id } } userErrors { code field } } }`,
        { input },
      );
      expect(errors).toBeUndefined();
      return data[`${noun}${verb}`];
    };
    const policy = await create();
    const made = await change('Create', { ...(await makeInput()), signaturePolicyId: policy.id });
    expect(made.userErrors).toEqual([]);
    const { id } = made[noun];
    expect(made[noun].signaturePolicy).toEqual({ id: policy.id });

    const refused = await remove(policy.id);
    expect(refused).toMatchObject({ deletedId: null, userErrors: [{ code: 'IN_USE', field: ['id'] }] });
    expect(refused.userErrors[0].message).toContain(`the ${noun} "`);

    expect((await change('Update', { id }))[noun].signaturePolicy).toEqual({ id: policy.id });
    const unknown = await change('Update', { id, signaturePolicyId: toGlobalId('SignaturePolicy', 999_999) });
    expect(unknown.userErrors).toEqual([{ code: 'NOT_FOUND', field: ['signaturePolicyId'] }]);
    expect((await change('Update', { id, signaturePolicyId: null }))[noun].signaturePolicy).toBeNull();
    expect(await remove(policy.id)).toEqual({ deletedId: policy.id, userErrors: [] });
  });
});
