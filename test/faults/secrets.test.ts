import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkflowClient } from '../../src/api/temporal/workflow-client.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { createSyncTask } from '../../src/db/tasks/tasks.ts';
import { fixture, json, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { expectFitForPeople, goodRepository, openStage } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';
import { databaseText, temporalText } from '../support/sync/stored-text.ts';
import { testSecret } from '../support/test-secret.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const password = testSecret('password');
const headerValue = testSecret('header');
const signature = testSecret('signature');
const clientKey = fixture('client.key');

/** Each secret as it may look on its way: as it is, in base64 (whole, as Basic sends it), in hexadecimal. */
function disguises(): string[] {
  const keyLine = clientKey.split('\n')[1] ?? 'no key';
  const plain = [password, headerValue, signature, keyLine];
  return [
    ...plain,
    ...plain.map((secret) => Buffer.from(secret).toString('hex')),
    ...plain.map((secret) => Buffer.from(secret).toString('base64').slice(0, -4)),
    Buffer.from(`alice:${password}`).toString('base64'),
  ];
}

/** Serves to those who show certificate, password and header; blobs stand behind signed URLs of another host. */
function guarded(serve: Answer, blobHost: () => string): Answer {
  return async (request, response) => {
    const authorization = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;
    if (request.headers.authorization !== authorization)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"', 'content-length': '0' }).end();
    else if (request.headers['x-secret'] !== headerValue)
      response.writeHead(403, { 'content-length': '0' }).end();
    else if (request.url?.includes('/blobs/') === true) {
      const location = `${blobHost()}${request.url}?X-Signature=${signature}`;
      response.writeHead(307, { location, 'content-length': '0' }).end();
    } else if (typeof serve === 'function') await serve(request, response);
  };
}

async function startWithMemo(scene: Scene): Promise<number> {
  const { harness, ids } = scene;
  const workflows = createWorkflowClient({ client: harness.client, taskQueue: harness.taskQueue });
  const syncArguments = { mirror: false, confirmRemoval: false, dryRun: false };
  const { task } = await createSyncTask(harness.em(), { ...ids, arguments: syncArguments });
  await workflows.startSync({ taskId: task.id, workflowId: task.workflowId, repositoryName: 'secrets' });
  await harness.finish(task);
  return task.id;
}

test('fault 101: no credential is in histories, memos, search attributes or any table', async () => {
  const repository = goodRepository('fault-101');
  const serve = sampleAnswers(repository);
  const cdn = await openFakeUpstream({ host: '127.0.0.2', tls: {}, fallback: serve });
  try {
    const scene = await stage.open({
      repository,
      upstream: { tls: { clientCertificate: true }, fallback: guarded(serve, () => cdn.url) },
      remote: { sslValidation: false, sslClientCertificate: fixture('client.pem'), username: 'alice' },
    });
    const { remoteId } = scene.ids;
    const seal = (plain: string, column: string) =>
      stage.harness.secrets.encrypt(plain, `remote:${remoteId}:${column}`);
    await stage.harness.updateRemote(remoteId, {
      passwordSealed: seal(password, 'password'),
      headersSealed: seal(JSON.stringify({ 'x-secret': headerValue }), 'headers'),
      headerNames: ['x-secret'],
      sslClientKeySealed: seal(clientKey, 'ssl_client_key'),
    });

    // one that works, one whose signed URL is refused, one whose password is wrong
    const good = await startWithMemo(scene);
    expect((await stage.harness.read(good)).task).toMatchObject({
      state: 'COMPLETED',
      createdVersion: 1,
      errorMessage: null,
    });
    expect(scene.upstream.requests.some(({ headers }) => headers['x-secret'] === headerValue)).toBe(true);
    const next = goodRepository('fault-101-next');
    for (const [digest, document] of next.manifests) repository.manifests.set(digest, document);
    for (const [digest, bytes] of next.blobs) {
      repository.blobs.set(digest, bytes);
      cdn.on(
        `GET /v2/library/app/blobs/${digest}`,
        json({ errors: [{ code: 'SignatureDoesNotMatch' }] }, {}, 400),
      );
    }
    repository.tags.set('next', next.tags.get('good') ?? ('sha256:none' as Digest));
    const refused = await startWithMemo(scene);
    expect(await errorOf(refused)).toMatch(/^UPSTREAM_UNEXPECTED_STATUS: GET .*127\.0\.0\.2.* 400/);
    expect(cdn.requests.some(({ path }) => path.includes(signature))).toBe(true);
    await stage.harness.updateRemote(remoteId, { username: 'mallory' });
    const unauthorized = await startWithMemo(scene);
    expect(await errorOf(unauthorized)).toMatch(/^UPSTREAM_UNAUTHORIZED/);

    const { workflowId } = (await stage.harness.read(good)).task;
    const told = [await temporalText(stage.harness, workflowId), await databaseText(stage.harness)].join(
      '\n',
    );
    // the search would find what is there
    expect(told).toContain('x-secret');
    expect(told).toContain('secrets');
    for (const disguise of disguises()) expect(told.includes(disguise), disguise).toBe(false);
  } finally {
    await cdn.close();
  }
});

async function errorOf(taskId: number): Promise<string> {
  const { task } = await stage.harness.read(taskId);
  expectFitForPeople(task.errorMessage ?? '');
  return `${task.errorCode}: ${task.errorMessage}`;
}
