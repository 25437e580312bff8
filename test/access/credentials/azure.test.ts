/** Azure: the identity endpoint of the machine and the token service of the registry, played by scripted servers. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { noForm, openCredentials } from '../../support/credentials/open-credentials.ts';
import { allowStalls } from '../../support/watch/allow-stalls.ts';
import { useTestDatabase } from '../../support/servers/test-database.ts';
import { testSecret } from '../../support/test-secret.ts';
import { json, openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { failure, manifestOf, openClient } from '../../registry/open-client.ts';

// once in a process
allowStalls(5_000, 'the first use loads the library of Azure');

const database = useTestDatabase();
const entraToken = testSecret('entra-token');
let identity: FakeUpstream;
let registry: FakeUpstream;
// one for all: the library keeps the first address that it has met
beforeAll(async () => {
  identity = await openFakeUpstream();
});
afterAll(() => identity?.close());
beforeEach(async () => {
  registry = await openFakeUpstream();
  for (const name of Object.keys(process.env).filter((one) => /^(?:AZURE|MSI|IMDS|IDENTITY)_/.test(one)))
    vi.stubEnv(name, undefined);
  vi.stubEnv('IDENTITY_ENDPOINT', `${identity.url}/msi/token`);
  vi.stubEnv('IDENTITY_HEADER', testSecret('identity-header'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await registry.close();
});

const identityPath = 'GET /msi/token';
function grantIdentity(): void {
  identity.on(
    identityPath,
    json({
      access_token: entraToken,
      expires_on: String(Math.floor(Date.now() / 1000) + 3_600),
      resource: 'https://containerregistry.azure.net',
      token_type: 'Bearer',
    }),
  );
}

/** A refresh token as ACR's: a JWT, of which nobody here checks the signature. */
function refreshToken(name: string, lifeSeconds = 10_800): string {
  const payload = { jti: testSecret(name), exp: Math.floor(Date.now() / 1000) + lifeSeconds };
  return ['{"alg":"RS256"}', JSON.stringify(payload), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
}

async function formOf(request: IncomingMessage): Promise<Record<string, string>> {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(request, 'end');
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
}

const { answer: manifest, digest } = manifestOf();
const manifestPath = '/v2/library/app/manifests/latest';

/** A registry of Azure: a manifest for the access token, which it gives for one of the refresh tokens. */
function playRegistry(refreshTokens: string[]) {
  const forms: Record<string, string>[] = [];
  const tokenForms: Record<string, string>[] = [];
  const issue: Answer = async (request, response) => {
    forms.push(await formOf(request));
    const index = Math.min(forms.length, refreshTokens.length) - 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ refresh_token: refreshTokens[index] }));
  };
  const valid = new Set(refreshTokens);
  const token: Answer = async (request, response) => {
    const form = await formOf(request);
    tokenForms.push(form);
    const isValid = valid.has(form['refresh_token'] ?? '');
    response.writeHead(isValid ? 200 : 401, { 'content-type': 'application/json' });
    response.end(isValid ? JSON.stringify({ access_token: 'acr-access', expires_in: 60 }) : '{}');
  };
  registry.on('POST /oauth2/exchange', issue);
  registry.on('POST /oauth2/token', token);
  registry.on(`GET ${manifestPath}`, (request, response) => {
    if (request.headers.authorization === 'Bearer acr-access')
      response.writeHead(200, manifest.headers as Record<string, string>).end(manifest.body);
    else {
      const challenge = `Bearer realm="${registry.url}/oauth2/token",service="acr",scope="repository:library/app:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
  });
  return { forms, tokenForms, revoke: (one: string) => valid.delete(one) };
}

/** @param clientId The library keeps a token for each identity of the machine. */
async function openAzureClient(clientId: string | null = null) {
  const hosts = ['127.0.0.1'];
  const logins = await openCredentials(database).logins(registry.url, { kind: 'AZURE', hosts, clientId });
  return { logins, client: openClient(registry, { logins }) };
}

test('the access token of Entra is exchanged for a refresh token, and that for an access token', async () => {
  grantIdentity();
  const one = refreshToken('refresh');
  const { forms, tokenForms } = playRegistry([one]);
  const { client } = await openAzureClient();
  expect((await client.getManifest('latest'))?.digest).toBe(digest);
  await client.getManifest('latest');
  expect(forms).toEqual([
    { grant_type: 'access_token', service: new URL(registry.url).host, access_token: entraToken },
  ]);
  expect(tokenForms).toEqual([
    {
      grant_type: 'refresh_token',
      client_id: 'tidemark',
      refresh_token: one,
      service: 'acr',
      scope: 'repository:library/app:pull',
    },
  ]);
  expect(identity.requests[0]?.path).toContain('resource=https%3A%2F%2Fcontainerregistry.azure.net');
});

test('a refresh token that was revoked is renewed once', async () => {
  grantIdentity();
  const tokens = [refreshToken('revoked'), refreshToken('fresh')];
  const { forms, tokenForms, revoke } = playRegistry(tokens);
  revoke(tokens[0] ?? '');
  const { client } = await openAzureClient();
  expect((await client.getManifest('latest'))?.digest).toBe(digest);
  expect(forms).toHaveLength(2);
  expect(tokenForms.map((form) => form['refresh_token'])).toEqual(tokens);
});

test('refresh tokens that are refused end it after one renewal', async () => {
  grantIdentity();
  const tokens = [refreshToken('no'), refreshToken('neither'), refreshToken('unused')];
  const { forms, revoke } = playRegistry(tokens);
  for (const one of tokens) revoke(one);
  const { client } = await openAzureClient();
  expect((await failure(client.getManifest('latest'))).code).toBe('UPSTREAM_UNAUTHORIZED');
  expect((await failure(client.getManifest('latest'))).code).toBe('UPSTREAM_UNAUTHORIZED');
  expect(forms).toHaveLength(2);
});

test('the expiry in the refresh token counts', async () => {
  grantIdentity();
  let nowMs = 0;
  const tokens = [refreshToken('short', 60), refreshToken('next', 60)];
  playRegistry(tokens);
  const scene = openCredentials(database, undefined, () => nowMs);
  const logins = await scene.logins(registry.url, { kind: 'AZURE', hosts: ['127.0.0.1'] });
  const client = openClient(registry, { logins }, { now: () => nowMs });
  await client.getManifest('latest');
  expect(registry.requestsOf('POST /oauth2/exchange')).toHaveLength(1);
  nowMs = 59_500;
  await client.getManifest('latest');
  expect(registry.requestsOf('POST /oauth2/exchange')).toHaveLength(2);
});

test('an identity that is not there, or is refused, says what to check', async () => {
  identity.on(identityPath, json({ error: testSecret('detail') }, {}, 403));
  const { logins } = await openAzureClient('01234567-89ab-cdef-0123-456789abcdef');
  const refused: unknown = await logins.get(noForm).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE' });
  expect(String(refused)).toContain('AcrPull');
  expect(String(refused)).not.toContain(testSecret('detail'));
});

test('an exchange that is redirected sends nothing elsewhere', async () => {
  grantIdentity();
  await using other = await openFakeUpstream();
  registry.on('POST /oauth2/exchange', { status: 307, headers: { location: `${other.url}/steal` } });
  registry.on(`GET ${manifestPath}`, {
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${registry.url}/oauth2/token"` },
  });
  const { client } = await openAzureClient();
  expect((await failure(client.getManifest('latest'))).code).toBe('UPSTREAM_UNEXPECTED_STATUS');
  expect(other.requests).toEqual([]);
});
