/** What people do with webhooks, and whose repositories a webhook is told of. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rotateSecrets } from '../../src/access/rotate-secrets.ts';
import { createSecretBox } from '../../src/access/secrets.ts';
import { createToken } from '../../src/access/token.ts';
import { chooseRoutes } from '../../src/activities/webhooks/choose-routes.ts';
import { Webhook } from '../../src/db/schema/webhooks/webhooks.ts';
import { newWebhookSecret } from '../../src/webhooks/sign-message.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

const url = 'https://hooks.example/a?b=c';
const make = (input: object) =>
  api.mutate('webhookCreate', input, 'webhook { id name url events repositories format enabled } secret');

describe('operations', () => {
  test('a webhook is created, changed and deleted; its secret is shown once and stored encrypted', async () => {
    const { webhook, secret, userErrors } = await make({ name: 'ci', url });
    expect(userErrors).toEqual([]);
    expect(webhook).toMatchObject({
      name: 'ci',
      url,
      events: [],
      repositories: [],
      format: 'CLOUDEVENTS',
      enabled: true,
    });
    const [stored] = await api.sql('select * from webhook');
    expect(JSON.stringify(stored)).not.toContain(secret.slice('whsec_'.length));
    expect(JSON.stringify(stored)).toContain('tm1.');

    const { id } = webhook;
    const changed = await api.mutate(
      'webhookUpdate',
      { id, name: 'cd', events: ['repository.sync.*'], repositories: ['team/**'], format: 'HARBOR' },
      'webhook { name events repositories format } secret',
    );
    expect(changed).toMatchObject({
      webhook: { name: 'cd', events: ['repository.sync.*'], repositories: ['team/**'], format: 'HARBOR' },
      secret: null,
      userErrors: [],
    });
    const { webhooks } = await api.data('{ webhooks(first: 10) { totalCount nodes { id name } } }');
    expect(webhooks).toEqual({ totalCount: 1, nodes: [{ id, name: 'cd' }] });

    const rotated = await api.mutate('webhookRotateSecret', { id }, 'webhook { earlierSecretUntil } secret');
    expect(rotated.secret).not.toBe(secret);
    expect(Date.parse(rotated.webhook.earlierSecretUntil)).toBeGreaterThan(Date.now());

    expect(await api.mutate('webhookDelete', { id }, 'deletedId')).toEqual({ deletedId: id, userErrors: [] });
  });

  test.each([
    ['name', { name: '' }],
    ['url', { url: 'ftp://hooks.example' }],
    ['url', { url: 'https://me:word@hooks.example' }],
    ['url', { url: 'http://169.254.169.254/hook' }],
    ['events', { events: ['repository.nothing'] }],
    ['events', { events: ['repository.created'], format: 'HARBOR' }],
    ['repositories', { repositories: ['a{b'] }],
    ['secret', { secret: 'whsec_tooShort' }],
  ])('a mistake in %s is told at its field', async (field, input) => {
    const { webhook, userErrors } = await make({ name: 'wrong', url, ...input });
    expect(webhook).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect(userErrors[0].field[0]).toBe(field);
    expect(userErrors[0].message).not.toContain('tooShort');
  });

  test('a name is taken once; what is not there is not found', async () => {
    await make({ name: 'twice', url });
    expect((await make({ name: 'twice', url })).userErrors).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
    for (const mutation of [
      'webhookUpdate',
      'webhookDelete',
      'webhookRotateSecret',
      'webhookTest',
      'webhookRedeliver',
    ])
      expect((await api.mutate(mutation, { id: 'nothing' })).userErrors, mutation).toMatchObject([
        { code: 'NOT_FOUND', field: ['id'] },
      ]);
  });

  test('disabling fails what waits, and a rotation of the key covers both secrets', async () => {
    const { webhook } = await make({ name: 'keys', url });
    await api.mutate('webhookRotateSecret', { id: webhook.id });
    await api.mutate('webhookTest', { id: webhook.id });
    await api.mutate('webhookUpdate', { id: webhook.id, enabled: false });
    const { deliveries } = (
      await api.data(
        'query ($id: ID!) { webhook(id: $id) { deliveries(first: 1) { totalCount nodes { state errorCode } } } }',
        { id: webhook.id },
      )
    ).webhook;
    expect(deliveries).toEqual({
      totalCount: 1,
      nodes: [{ state: 'FAILED', errorCode: 'WEBHOOK_DISABLED' }],
    });

    const em = api.database.em.fork();
    const sealed = () => em.fork().findOneOrFail(Webhook, { name: 'keys' });
    const before = await sealed();
    const secret = api.secrets.decrypt(before.secretSealed ?? '', `webhook:${before.id}:secret`);
    const old = randomBytes(32);
    const box = createSecretBox([old]);
    await em.nativeUpdate(
      Webhook,
      { id: before.id },
      {
        secretSealed: box.encrypt(secret, `webhook:${before.id}:secret`),
        earlierSecretSealed: box.encrypt(secret, `webhook:${before.id}:earlier_secret`),
      },
    );
    await em.nativeDelete(Webhook, { name: { $ne: 'keys' } });
    const next = createSecretBox([randomBytes(32), old]);
    expect(await rotateSecrets(em.fork(), next)).toEqual({ resealed: 2, unreadable: [] });
    const after = await sealed();
    expect(next.isCurrent(after.secretSealed ?? '') && next.isCurrent(after.earlierSecretSealed ?? '')).toBe(
      true,
    );
    expect(next.decrypt(after.secretSealed ?? '', `webhook:${after.id}:secret`)).toBe(secret);
    await em.nativeDelete(Webhook, {});
  });

  test('a configuration makes webhooks, with a secret of its own', async () => {
    const apply = (webhooks: object[]) =>
      api.mutate(
        'configurationApply',
        { configuration: { name: 'hooks', webhooks }, prune: true },
        'changes { action kind name fields { field to isSecret } }',
      );
    expect((await apply([{ name: 'a', url }])).userErrors).toMatchObject([
      { code: 'INVALID', field: ['configuration', 'webhooks', '0', 'secret'] },
    ]);
    const secret = newWebhookSecret();
    const wanted = { name: 'a', url, events: ['repository.*'], secret };
    const { changes, userErrors } = await apply([wanted]);
    expect(userErrors).toEqual([]);
    expect(changes).toMatchObject([{ action: 'CREATE', kind: 'WEBHOOK', name: 'a' }]);
    expect(JSON.stringify(changes)).not.toContain(secret);
    for (const same of [wanted, { ...wanted, secret: null }, { ...wanted, secret: undefined }])
      expect((await apply([same])).changes).toEqual([]);
    const { configuration } = await api.data(
      '{ configuration(section: WEBHOOK, first: 5) { nodes { name value secrets } } }',
    );
    expect(configuration.nodes).toEqual([
      { name: 'a', value: { name: 'a', url, events: ['repository.*'] }, secrets: ['secret'] },
    ]);
    expect((await apply([])).changes).toMatchObject([{ action: 'DELETE', kind: 'WEBHOOK' }]);
  });
});

const event = (id: number, repositoryName: string, name = 'repository.version.created') => ({
  id,
  name,
  repositoryId: id,
  repositoryName,
  data: {},
});

test('a webhook is told of what its last editor may read now', async () => {
  const em = api.database.em.fork();
  const logins = { tokens: true, oidc: undefined };
  const made = await createToken(em, {
    name: 'editor',
    expiresInDays: 1,
    grants: [{ role: 'maintainer', scope: 'team/*' }],
  });
  if (made === undefined) throw new Error('there is such a token');
  const [token] = await api.sql("select id from access_token where name = 'editor'");
  const row = (name: string, fields: object) =>
    em.create(Webhook, {
      name,
      url,
      format: 'CLOUDEVENTS',
      enabled: true,
      events: [],
      repositories: [],
      ...fields,
    });
  const identity = { kind: 'token', id: Number(token?.['id']) } as const;
  const rows = [
    row('own', { madeBy: identity }),
    row('open', { madeBy: { kind: 'everybody' } }),
    row('globs', { madeBy: identity, repositories: ['team/a*'], events: ['*.version.*'] }),
  ];
  rows.forEach((one, index) => Object.assign(one, { id: index + 1 }));
  const events = [
    event(1, 'team/app'),
    event(2, 'team/base'),
    event(3, 'other/app'),
    event(4, 'team/app', 'repository.created'),
  ];
  const told = async (settings: typeof logins | { tokens: boolean; oidc: undefined }) =>
    (await chooseRoutes({ logins: settings }, em, rows, events))
      .map(({ webhookId, eventId }) => `${webhookId}:${eventId}`)
      .toSorted();
  expect(await told(logins)).toEqual(['1:1', '1:2', '1:4', '3:1']);
  // logins are off: whoever made it while they were off may read everything
  expect(await told({ tokens: false, oidc: undefined })).toEqual([
    '1:1',
    '1:2',
    '1:4',
    '2:1',
    '2:2',
    '2:3',
    '2:4',
    '3:1',
  ]);
  await api.sql('update access_token set revoked_at = now()');
  expect(await told(logins)).toEqual([]);
});
