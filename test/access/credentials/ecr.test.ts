/** ECR: AWS's endpoints, played by a scripted server that the SDK finds in the environment. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hostRefusal } from '../../../src/access/credentials/kinds.ts';
import { noForm, openCredentials } from '../../support/credentials/open-credentials.ts';
import { useTestDatabase } from '../../support/servers/test-database.ts';
import { testSecret } from '../../support/test-secret.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';

const database = useTestDatabase();
const registry = 'https://123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const role = 'arn:aws:iam::123456789012:role/pull';
let aws: FakeUpstream;
let ecr: FakeUpstream;
beforeEach(async () => {
  aws = await openFakeUpstream();
  ecr = await openFakeUpstream();
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_')))
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testSecret('aws-secret-key'));
  vi.stubEnv('AWS_ENDPOINT_URL_ECR', ecr.url);
  vi.stubEnv('AWS_ENDPOINT_URL_STS', aws.url);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.close();
  await ecr.close();
});

function token(password: string, lifeSeconds = 12 * 60 * 60) {
  return {
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({
      authorizationData: [
        {
          authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'),
          expiresAt: Date.now() / 1000 + lifeSeconds,
          proxyEndpoint: registry,
        },
      ],
    }),
  };
}

const password = testSecret('ecr-token');

test('GetAuthorizationToken is signed for the region of the host, and its token is the login', async () => {
  ecr.script('POST /', token(password));
  const logins = await openCredentials(database).logins(registry, { kind: 'ECR' });
  expect(await logins.get(noForm)).toEqual({ kind: 'basic', username: 'AWS', password });
  const [asked] = ecr.requests;
  expect(asked?.headers['x-amz-target']).toBe('AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken');
  expect(asked?.headers.authorization).toContain('/eu-central-1/ecr/aws4_request');
  ecr.assertDone();
});

test.each([
  ['https://123456789012.dkr.ecr.eu-central-1.amazonaws.com', true],
  ['https://123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com', true],
  ['https://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', true],
  ['https://123456789012.dkr-ecr.eu-central-1.on.aws', true],
  ['https://ec2-192-0-2-1.eu-central-1.compute.amazonaws.com', false],
  ['https://abc.execute-api.eu-central-1.amazonaws.com', false],
  ['https://abc.lambda-url.eu-central-1.on.aws', false],
  ['https://123456789012.dkr.ecr.eu-central-1.amazonaws.com.example', false],
  ['https://a.b.dkr.ecr.eu-central-1.amazonaws.com', false],
])('by default, %s receives the token: %s', (url, isOwn) => {
  const refusal = hostRefusal({ name: 'ecr', kind: 'ECR', hosts: null }, new URL(url));
  expect(refusal === undefined).toBe(isOwn);
});

test('the region of the credential comes first', async () => {
  ecr.on('POST /', token(password));
  const given = { kind: 'ECR', region: 'us-west-2' } as const;
  await (await openCredentials(database).logins(registry, given)).get(noForm);
  expect(ecr.requests[0]?.headers.authorization).toContain('/us-west-2/ecr/aws4_request');
});

test('a role is assumed first, and its session signs', async () => {
  const session = testSecret('session-token');
  aws.script('POST /', {
    headers: { 'content-type': 'text/xml' },
    body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>ASIASESSION</AccessKeyId><SecretAccessKey>${testSecret('session-key')}</SecretAccessKey>
      <SessionToken>${session}</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  });
  ecr.script('POST /', token(password));
  const logins = await openCredentials(database).logins(registry, { kind: 'ECR', roleArn: role });
  expect(await logins.get(noForm)).toMatchObject({ username: 'AWS', password });
  expect(ecr.requests[0]?.headers['x-amz-security-token']).toBe(session);
  expect(ecr.requests[0]?.headers.authorization).toContain('ASIASESSION');
  aws.assertDone();
});

test('the token is obtained anew before it expires', async () => {
  let nowMs = 0;
  ecr.script('POST /', token(`${password}-1`, 60), token(`${password}-2`, 60));
  const scene = openCredentials(database, undefined, () => nowMs);
  const logins = await scene.logins(registry, { kind: 'ECR' });
  expect(await logins.get(noForm)).toMatchObject({ password: `${password}-1` });
  nowMs = 30_000;
  expect(await logins.get(noForm)).toMatchObject({ password: `${password}-1` });
  nowMs = 59_000;
  expect(await logins.get(noForm)).toMatchObject({ password: `${password}-2` });
  ecr.assertDone();
});

const ask = async () => (await openCredentials(database).logins(registry, { kind: 'ECR' })).get(noForm);

describe('no token', () => {
  test('without credentials of AWS', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    await expect(ask()).rejects.toMatchObject({
      code: 'CREDENTIAL_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('CredentialsProviderError'),
    });
    expect(ecr.requests).toEqual([]);
  });

  test('where the identity lacks the right', async () => {
    ecr.on('POST /', {
      status: 400,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify({ __type: 'AccessDeniedException', message: testSecret('detail') }),
    });
    const failure: unknown = await ask().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'CREDENTIAL_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('AccessDeniedException, status 400'),
    });
    expect(String(failure)).not.toContain(testSecret('detail'));
  });

  test('while AWS is down, to be tried again', async () => {
    ecr.on('POST /', { status: 503, body: '{}' });
    await expect(ask()).rejects.toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', retryable: true });
  });

  test('for a registry that is not of AWS', async () => {
    const logins = await openCredentials(database).logins('https://registry.example', { kind: 'ECR' });
    await expect(logins.get(noForm)).rejects.toMatchObject({ code: 'CREDENTIAL_REFUSED' });
    expect(ecr.requests).toEqual([]);
  });
});
