/** Syncs that log in by a credential: the login arrives, is renewed, and is nowhere afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { expectFitForPeople, goodRepository, openStage } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { databaseText, temporalText } from '../support/sync/stored-text.ts';
import { insertCredential } from '../support/credentials/open-credentials.ts';
import type { NewCredential } from '../support/credentials/open-credentials.ts';
import { writeHelperScript } from '../support/credentials/write-helper.ts';
import type { WrittenHelper } from '../support/credentials/write-helper.ts';
import { disguisesOf, testSecret } from '../support/test-secret.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';

let stage: Stage;
let folder: string;
let helper: WrittenHelper;
const issued = testSecret('helper-login');
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-credentials-'));
  // each run gives another password, as a token service does
  helper = await writeHelperScript(
    folder,
    'counting',
    `n=$(wc -l < "$0.log" | tr -d ' ')\necho "{\\"Username\\":\\"alice\\",\\"Secret\\":\\"${issued}-$n\\"}"`,
  );
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  stage = await openStage({ credentialSettings: { dockerConfigDir: undefined, helpers: ['counting'] } });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await stage.close();
  await rm(folder, { recursive: true });
});

const basic = (password: string) => `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;

/** A scene whose upstream serves to those whose login counts. */
async function openGuarded(
  given: NewCredential,
  secret: string | undefined,
  isValid: (authorization: string) => boolean,
) {
  const { harness } = stage;
  const credentialId = await insertCredential(harness.em(), harness.secrets, given, secret);
  const repository = goodRepository(`credential-${credentialId}`);
  const serve = sampleAnswers(repository);
  return stage.open({
    repository,
    remote: { credentialId },
    upstream: {
      fallback: async (request, response) => {
        if (!isValid(request.headers.authorization ?? ''))
          response.writeHead(401, { 'www-authenticate': 'Basic realm="r"', 'content-length': '0' }).end();
        else if (typeof serve === 'function') await serve(request, response);
      },
    },
  });
}

async function expectNowhere(workflowId: string, ...secrets: readonly string[]): Promise<void> {
  const told = [await temporalText(stage.harness, workflowId), await databaseText(stage.harness)].join('\n');
  // the search would find what is there
  expect(told).toContain('credential-');
  for (const disguise of secrets.flatMap(disguisesOf)) expect(told.includes(disguise), disguise).toBe(false);
}

test('fault 101: a stored password reaches the upstream, and is nowhere else', async () => {
  const password = testSecret('stored-login');
  const isValid = (shown: string) => shown === basic(password);
  const scene = await openGuarded({ kind: 'STATIC', username: 'alice' }, password, isValid);
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  await expectNowhere(task.workflowId, password, `alice:${password}`);
});

test("fault 101: Google's key file with its line breaks is sent as it is", async () => {
  const file = `{\n  "private_key": "${testSecret('json-key')}"\n}\n`;
  const shown = `Basic ${Buffer.from(`_json_key:${file}`).toString('base64')}`;
  const scene = await openGuarded({ kind: 'STATIC', username: '_json_key' }, file, (one) => one === shown);
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED' });
});

test('fault 101: a login that the upstream revokes in the middle is renewed once', async () => {
  let served = 0;
  const scene = await openGuarded({ kind: 'HELPER', helper: 'counting' }, undefined, (shown) => {
    const isValid = shown === basic(`${issued}-${served < 3 ? 1 : 2}`);
    if (isValid) served += 1;
    return isValid;
  });
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect(await helper.runs()).toHaveLength(2);
  await expectNowhere(task.workflowId, issued);
});

test('a credential that cannot log in fails the sync with the reason', async () => {
  const scene = await openGuarded({ kind: 'HELPER', helper: 'unlisted' }, undefined, () => false);
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'FAILED', errorCode: 'CREDENTIAL_UNAVAILABLE' });
  expect(task.errorMessage).toContain('TIDEMARK_CREDENTIAL_HELPERS');
  expectFitForPeople(task.errorMessage ?? '');
});

test('a credential is not sent to another host than its own', async () => {
  const password = testSecret('other-host');
  const given = { kind: 'STATIC', username: 'alice', hosts: ['registry.example'] } as const;
  const scene = await openGuarded(given, password, (shown) => shown === basic(password));
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'FAILED', errorCode: 'CREDENTIAL_REFUSED' });
  const shown = scene.upstream.requests.filter(({ headers }) => headers.authorization !== undefined);
  expect(shown).toEqual([]);
});
