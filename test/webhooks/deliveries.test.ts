import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, moveTag, removeTag } from '../../src/demo/sample-image.ts';
import { openWebhookStage } from '../support/webhooks/stage-with-webhooks.ts';
import type { WebhookStage } from '../support/webhooks/stage-with-webhooks.ts';
import type { ReceivedMessage } from '../support/webhooks/endpoint.ts';
import { until } from '../support/until.ts';

let stage: WebhookStage;
beforeAll(async () => {
  stage = await openWebhookStage();
});
afterAll(() => stage?.close());

// the tests know what they were sent
// oxlint-disable-next-line typescript/no-explicit-any
const eventOf = ({ body }: ReceivedMessage) => JSON.parse(body) as Record<string, any>;

/** As docs/webhooks.md says it. */
function signatureOf({ headers, body }: ReceivedMessage, secret: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

test('a sync is told as a signed CloudEvent, with what its version has changed; filters leave the rest out', async () => {
  const endpoint = await stage.endpoint();
  const other = await stage.endpoint();
  const scene = await stage.open();
  const { secret } = await stage.webhook({ name: 'all', url: endpoint.url, repositories: [scene.name] });
  await stage.webhook({ name: 'failures', url: other.url, events: ['repository.sync.failed'] });
  await stage.webhook({ name: 'elsewhere', url: other.url, repositories: ['elsewhere/**'] });
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);

  await scene.sync({ mirror: true });
  await until(() => endpoint.received.length === 2);
  const byType = new Map(endpoint.received.map((message) => [eventOf(message)['type'], message]));
  const created = byType.get('dev.tidemark.repository.version.created');
  if (created === undefined) throw new Error('no version was told');
  expect(created.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
  expect(created.headers['webhook-signature']).toBe(signatureOf(created, secret));
  const event = eventOf(created);
  expect(event).toMatchObject({
    specversion: '1.0',
    id: created.headers['webhook-id'],
    source: expect.stringMatching(/^urn:tidemark:[0-9a-f]{12}$/),
    subject: scene.name,
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    sequence: expect.stringMatching(/^\d{16}$/),
    data: {
      repository: { name: scene.name },
      version: 1,
      counts: { added: { tags: 2 }, removed: { tags: 0 } },
      tags: {
        added: 2,
        moved: 0,
        removed: 0,
        isTruncated: false,
        sample: [
          { tag: 'good', change: 'ADDED', previousDigest: null },
          { tag: 'multi', change: 'ADDED', digest: expect.stringMatching(/^sha256:/) },
        ],
      },
    },
  });
  const completed = byType.get('dev.tidemark.repository.sync.completed');
  expect(completed && eventOf(completed)['data']).toMatchObject({
    version: 1,
    trigger: 'MANUAL',
    code: null,
  });
  const { repository } = await stage.api.data(
    `query ($name: String!) { repository(name: $name) { id latestVersion { task { id } } } }`,
    {
      name: scene.name,
    },
  );
  expect(event['data']).toMatchObject({
    repository: { id: repository.id },
    taskId: repository.latestVersion.task.id,
  });

  // moved, removed and added
  const image = addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [10], tag: 'new' });
  moveTag(scene.repository, 'good', image);
  removeTag(scene.repository, 'multi');
  await scene.sync({ mirror: true, confirmRemoval: true });
  await until(() => endpoint.received.length === 4);
  const second = endpoint.received
    .map(eventOf)
    .find(({ data }) => data.version === 2 && data.tags !== undefined);
  expect(second?.['data'].tags).toMatchObject({
    added: 1,
    moved: 1,
    removed: 1,
    sample: [
      { tag: 'good', change: 'MOVED' },
      { tag: 'multi', change: 'REMOVED', digest: null },
      { tag: 'new', change: 'ADDED' },
    ],
  });
  // a sync that changes nothing has no version
  await scene.sync({ mirror: true });
  await until(() => endpoint.received.length === 5);
  expect(endpoint.received.map(eventOf)[4]?.['data']).toMatchObject({ version: null });
  expect(other.received).toEqual([]);
});

test('a failed sync is told with its reason; what is rolled back and dry runs are not told', async () => {
  const endpoint = await stage.endpoint();
  const scene = await stage.open({ upstream: { fallback: { status: 404 } } });
  const { id } = await stage.webhook({ name: 'failed', url: endpoint.url, repositories: [scene.name] });
  await scene.sync({ dryRun: true });
  const { task } = await scene.sync();
  expect(task.state).toBe('FAILED');
  await until(() => endpoint.received.length === 1);
  expect(endpoint.received.map(eventOf)[0]).toMatchObject({
    type: 'dev.tidemark.repository.sync.failed',
    data: { code: task.errorCode, message: task.errorMessage, version: null },
  });
  expect(await stage.deliveries(id)).toMatchObject([{ state: 'DELIVERED', attempts: 1, httpStatus: 204 }]);

  const em = stage.harness.em();
  const undone = em.transactional(async (transaction) => {
    await transaction.execute(
      "insert into webhook_event (name, repository_name, data) values ('repository.created', ?, '{}')",
      [scene.name],
    );
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  expect(await stage.sql('select from webhook_event where routed_at is null')).toEqual([]);
});

test('a push, a new repository and its deletion are told', async () => {
  const endpoint = await stage.endpoint();
  await stage.webhook({ name: 'made', url: endpoint.url, repositories: ['made/*'] });
  const { api } = stage;
  const { repository } = await api.mutate('repositoryCreate', { name: 'made/one' }, 'repository { id }');
  await until(() => endpoint.received.length === 1);
  const { userErrors } = await api.mutate('repositoryDelete', { id: repository.id });
  expect(userErrors).toEqual([]);
  await until(() => endpoint.received.length === 2);
  expect(endpoint.received.map((message) => [eventOf(message)['type'], eventOf(message)['subject']])).toEqual(
    [
      ['dev.tidemark.repository.created', 'made/one'],
      ['dev.tidemark.repository.deleted', 'made/one'],
    ],
  );

  const config = '{}';
  const digest = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
  const upload = await fetch(`${api.url}/v2/made/two/blobs/uploads/?digest=${digest}`, {
    method: 'POST',
    body: config,
  });
  expect(upload.status).toBe(201);
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 },
    layers: [],
  };
  const pushed = await fetch(`${api.url}/v2/made/two/manifests/v1`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: JSON.stringify(manifest),
  });
  expect(pushed.status).toBe(201);
  await until(() => endpoint.received.length === 4);
  const version = endpoint.received.map(eventOf).find(({ type }) => type.endsWith('version.created'));
  expect(version?.['data']).toMatchObject({
    version: 1,
    tags: { added: 1, sample: [{ tag: 'v1', change: 'ADDED' }] },
  });
  expect(version?.['data']).not.toHaveProperty('taskId');
});

test('nothing is written where no webhook is enabled', async () => {
  await stage.sql('update webhook set enabled = false');
  const scene = await stage.openSynced();
  const [before] = await stage.sql(
    'select count(*)::int as count from webhook_event where repository_name = ?',
    [scene.name],
  );
  expect(before).toEqual({ count: 0 });
  await stage.sql('update webhook set enabled = true where disabled_reason is null');
});

describe('Harbor', () => {
  test('new versions are PUSH_ARTIFACT or DELETE_ARTIFACT, and syncs are REPLICATION', async () => {
    const endpoint = await stage.endpoint();
    const scene = await stage.open({ name: 'shop/api' });
    const { id } = await stage.webhook({
      name: 'harbor',
      url: endpoint.url,
      repositories: ['shop/*'],
      format: 'HARBOR',
    });
    await scene.sync({ mirror: true });
    await until(() => endpoint.received.length === 2);
    const byType = new Map(endpoint.received.map((message) => [eventOf(message)['type'], eventOf(message)]));
    expect(byType.get('PUSH_ARTIFACT')).toMatchObject({
      occur_at: expect.any(Number),
      operator: 'tidemark',
      event_data: {
        resources: [
          { tag: 'good', digest: expect.stringMatching(/^sha256:/), resource_url: 'shop/api:good' },
          { tag: 'multi' },
        ],
        repository: { name: 'api', namespace: 'shop', repo_full_name: 'shop/api', repo_type: 'private' },
      },
    });
    expect(byType.get('REPLICATION')).toMatchObject({
      operator: 'manual',
      event_data: { replication: { job_status: 'Success', successful_artifact: [{ name_tag: 'shop/api' }] } },
    });
    removeTag(scene.repository, 'multi');
    await scene.sync({ mirror: true, confirmRemoval: true });
    await until(() => endpoint.received.length === 4);
    expect(endpoint.received.map(eventOf).find(({ type }) => type === 'DELETE_ARTIFACT')).toMatchObject({
      event_data: { resources: [{ tag: 'multi', digest: expect.stringMatching(/^sha256:/) }] },
    });
    const refused = await stage.api.mutate('webhookUpdate', { id, events: ['repository.created'] });
    expect(refused.userErrors).toMatchObject([{ code: 'INVALID', field: ['events', '0'] }]);
  });
});
