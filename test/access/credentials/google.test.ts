/** Google Cloud: the metadata server and the token endpoint, played by scripted servers. */
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noForm, openCredentials } from '../../support/credentials/open-credentials.ts';
import { openTokenProxy } from '../../support/credentials/token-proxy.ts';
import { useTestDatabase } from '../../support/servers/test-database.ts';
import { testSecret } from '../../support/test-secret.ts';
import { json, openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';

const database = useTestDatabase();
const registry = 'https://europe-west1-docker.pkg.dev';
const accessToken = testSecret('google-access-token');
const tokenPath = 'GET /computeMetadata/v1/instance/service-accounts/default/token';
let metadata: FakeUpstream;
beforeEach(async () => {
  metadata = await openFakeUpstream();
  const flavor = { 'metadata-flavor': 'Google', 'content-type': 'text/plain' };
  metadata.on('GET /computeMetadata/v1/instance', { headers: flavor, body: 'ok' });
  metadata.on('GET /computeMetadata/v1/universe/universe-domain', {
    headers: flavor,
    body: 'googleapis.com',
  });
  metadata.on('GET /computeMetadata/v1/project/project-id', { headers: flavor, body: 'project' });
  vi.stubEnv('GCE_METADATA_HOST', metadata.url.replace('http://', ''));
  vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined);
  vi.stubEnv('CLOUDSDK_CONFIG', '/nowhere');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await metadata.close();
});

function tokenAnswer(token: string, lifeSeconds = 3_600) {
  return json(
    { access_token: token, expires_in: lifeSeconds, token_type: 'Bearer' },
    { 'metadata-flavor': 'Google' },
  );
}

describe('application default credentials', () => {
  test('the token of the machine is the password of oauth2accesstoken', async () => {
    metadata.on(tokenPath, tokenAnswer(accessToken));
    const logins = await openCredentials(database).logins(registry, { kind: 'GOOGLE' });
    expect(await logins.get(noForm)).toEqual({
      kind: 'basic',
      username: 'oauth2accesstoken',
      password: accessToken,
    });
    expect(metadata.requestsOf(tokenPath)[0]?.headers['metadata-flavor']).toBe('Google');
    expect(metadata.unexpected).toEqual([]);
  });

  test('a token of a minute is obtained anew before it expires', async () => {
    let nowMs = 0;
    metadata.on(tokenPath, tokenAnswer(`${accessToken}-1`, 60), tokenAnswer(`${accessToken}-2`, 60));
    const scene = openCredentials(database, undefined, () => nowMs);
    const logins = await scene.logins(registry, { kind: 'GOOGLE' });
    expect(await logins.get(noForm)).toMatchObject({ password: `${accessToken}-1` });
    nowMs = 20_000;
    expect(await logins.get(noForm)).toMatchObject({ password: `${accessToken}-1` });
    nowMs = 59_000;
    expect(await logins.get(noForm)).toMatchObject({ password: `${accessToken}-2` });
  });

  test('an identity that is refused fails for good, and nothing of the answer is repeated', async () => {
    metadata.on(tokenPath, json({ error: testSecret('detail') }, { 'metadata-flavor': 'Google' }, 403));
    const logins = await openCredentials(database).logins(registry, { kind: 'GOOGLE' });
    const failure: unknown = await logins.get(noForm).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', retryable: false });
    expect(String(failure)).toContain('application default credentials');
    expect(String(failure)).not.toContain(testSecret('detail'));
  });
});

describe('a service account key', () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const key = JSON.stringify({
    type: 'service_account',
    client_email: 'pull@project.iam.gserviceaccount.com',
    private_key: privateKey,
    token_uri: 'http://127.0.0.1:9/elsewhere',
  });

  test('is exchanged at the token endpoint of Google, whatever address the file names', async () => {
    await using proxy = await openTokenProxy({
      'POST /token': tokenAnswer(accessToken),
    });
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const logins = await openCredentials(database).logins(registry, { kind: 'GOOGLE' }, key);
    expect(await logins.get(noForm)).toMatchObject({ username: 'oauth2accesstoken', password: accessToken });
    expect(proxy.targets()).toEqual(['oauth2.googleapis.com:443']);
    expect(proxy.bodies()[0]).toContain('grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer');
    expect(metadata.requests).toEqual([]);
  });
});
