/** The repositories of an account of ECR, by its endpoint, played by a scripted server that the SDK finds in the environment. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listEcrRepositories } from '../../../src/access/credentials/ecr-repositories.ts';
import type { Credential } from '../../../src/db/schema/credentials.ts';
import { testSecret } from '../../support/test-secret.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';

const registry = new URL('https://123456789012.dkr.ecr.eu-central-1.amazonaws.com');
const credential = { name: 'aws', kind: 'ECR' } as Credential;
let ecr: FakeUpstream;
let bodies: unknown[];
beforeEach(async () => {
  ecr = await openFakeUpstream();
  bodies = [];
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_')))
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testSecret('aws-secret-key'));
  vi.stubEnv('AWS_ENDPOINT_URL_ECR', ecr.url);
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ecr.close();
});

function answer(body: object, status = 200): Parameters<FakeUpstream['script']>[1] {
  return async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    bodies.push(JSON.parse(text));
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  };
}

async function list(): Promise<string[]> {
  const names: string[] = [];
  for await (const page of listEcrRepositories(credential, registry, new AbortController().signal))
    names.push(...page);
  return names;
}

test('DescribeRepositories lists the account of the host, by nextToken', async () => {
  ecr.script(
    'POST /',
    answer({ repositories: [{ repositoryName: 'team/a' }, { repositoryName: 'b' }], nextToken: 't1' }),
    answer({ repositories: [{ repositoryName: 'c' }] }),
  );
  expect(await list()).toEqual(['team/a', 'b', 'c']);
  ecr.assertDone();
  expect(bodies).toEqual([
    { maxResults: 1_000, registryId: '123456789012' },
    { maxResults: 1_000, registryId: '123456789012', nextToken: 't1' },
  ]);
  const [asked] = ecr.requests;
  expect(asked?.headers['x-amz-target']).toBe('AmazonEC2ContainerRegistry_V20150921.DescribeRepositories');
  expect(asked?.headers.authorization).toContain('/eu-central-1/ecr/aws4_request');
});

test('a refusal names the permission, and holds no secret', async () => {
  ecr.script('POST /', answer({ __type: 'AccessDeniedException', message: 'no' }, 400));
  await expect(list()).rejects.toMatchObject({
    code: 'CREDENTIAL_UNAVAILABLE',
    retryable: false,
    message: expect.stringMatching(
      /^AWS gave no list .* \(AccessDeniedException, status 400\)\. .*ecr:DescribeRepositories.*LIST\.$/,
    ) as string,
  });
});
