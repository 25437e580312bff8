/** The web console is served from its build: pages with their policies, hashed files, and nothing else. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

const script = 'console.log("a script of some length");'.repeat(50);
const index =
  '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><title>Tidemark</title><style nonce="__CSP_NONCE__"></style>';

let folder: string;
let api: ApiUnderTest;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-web-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), index);
  await writeFile(join(folder, 'graphiql.html'), '<!doctype html><title>GraphiQL</title>');
  await writeFile(join(folder, 'assets', 'index-abc123.js'), script);
  await writeFile(join(folder, 'assets', 'index-abc123.js.br'), brotliCompressSync(script));
  await writeFile(join(folder, 'assets', 'index-abc123.js.gz'), gzipSync(script));
  await writeFile(join(folder, 'outside.txt'), 'outside of the assets');
  api = await startApi({ config: { webFolder: folder } });
});
afterAll(async () => {
  await api?.close();
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** The path as it is: fetch would resolve its dots. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(api.url, { path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

function directives(answer: Answer): Map<string, string> {
  const policy = String(answer.headers['content-security-policy']);
  return new Map(
    policy.split('; ').map((part) => [part.split(' ', 1)[0] ?? '', part.slice(part.indexOf(' ') + 1)]),
  );
}

describe('pages', () => {
  test.each(['/', '/repositories/team/app?tab=tags', '/tasks/VGFzazox', '/login', '/graphqlish'])(
    'a browser gets the console at %s',
    async (path) => {
      const answer = await get(path, html);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(answer.body.toString()).toContain('<title>Tidemark</title>');
    },
  );

  test('the policy allows nothing from elsewhere, and style elements by a nonce that each answer has anew', async () => {
    const [one, other] = [await get('/', html), await get('/', html)];
    const host = new URL(api.url).host;
    const nonce = /content="([^"]+)"/.exec(one.body.toString())?.[1] ?? '';
    expect(Buffer.from(nonce, 'base64')).toHaveLength(16);
    expect(one.body.toString()).toBe(index.replaceAll('__CSP_NONCE__', nonce));
    expect(Object.fromEntries(directives(one))).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': `'self' 'nonce-${nonce}'`,
      'img-src': "'self' data:",
      'font-src': "'self'",
      'connect-src': `'self' ws://${host} wss://${host}`,
      'frame-ancestors': "'none'",
      'base-uri': "'none'",
      'form-action': "'self'",
    });
    expect(other.body.toString()).not.toContain(nonce);
  });

  test('only GraphiQL has inline styles and workers of blobs', async () => {
    const answer = await get('/graphiql', html);
    expect(answer.body.toString()).toContain('GraphiQL');
    expect(directives(answer).get('style-src')).toBe("'self' 'unsafe-inline'");
    expect(directives(answer).get('worker-src')).toBe("'self' blob:");
    expect(directives(answer).get('script-src')).toBe("'self'");
  });

  test.each<[string, Record<string, string>, string]>([
    ['a client that asks for no page', {}, 'GET'],
    ['a client that asks for JSON', { accept: 'application/json' }, 'GET'],
    ['a POST', { ...html, 'content-length': '0' }, 'POST'],
  ])('%s gets none where no route is', async (_, headers, method) => {
    const answer = await get('/repositories', headers, method);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toContain('application/json');
  });

  test.each([
    '/assets/absent.js',
    '/graphql/absent',
    '/graphiql/absent',
    '/session/absent',
    '/healthz/absent',
    '/metrics/absent',
    '/token/absent',
  ])('a browser gets 404 at %s', async (path) => {
    expect((await get(path, html)).status).toBe(404);
  });

  test('the registry answers browsers as it answers others', async () => {
    const { status, headers } = await get('/v2/absent/tags/list', html);
    expect({ status, type: headers['content-type'] }).toMatchObject({
      status: 404,
      type: expect.stringContaining('application/json'),
    });
  });
});

describe('files', () => {
  test.each<[string, string | undefined, (body: Buffer) => Buffer]>([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['identity', undefined, (body) => body],
  ])('with accept-encoding: %s', async (accepted, encoding, decode) => {
    const answer = await get('/assets/index-abc123.js', { 'accept-encoding': accepted });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(answer.headers['content-type']).toContain('javascript');
    expect(answer.headers['vary']).toBe('accept-encoding');
    // a worker has the policy of its script
    expect(directives(answer).get('script-src')).toBe("'self'");
    expect(decode(answer.body).toString()).toBe(script);
  });

  test.each(['/assets/../outside.txt', '/assets/%2e%2e/outside.txt', '/assets/..%2foutside.txt'])(
    '%s leads nowhere',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.body.toString()).not.toContain('outside of the assets');
    },
  );
});

test('a build without the console has a plain page of links', async () => {
  const plain = await startApi({ config: { webFolder: join(folder, 'absent') } });
  try {
    const answer = await fetch(plain.url, { headers: html });
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await answer.text()).toContain('href="/graphql/schema"');
    expect((await fetch(`${plain.url}/repositories`, { headers: html })).status).toBe(404);
  } finally {
    await plain.close();
  }
});

test('/session tells how to log in, and is never cached', async () => {
  const { status, headers, body } = await get('/session');
  expect({ status, cache: headers['cache-control'] }).toEqual({ status: 200, cache: 'no-store' });
  expect(JSON.parse(body.toString())).toEqual({
    login: 'none',
    caller: { name: 'everybody', kind: 'everybody' },
    csrf: null,
    oidc: null,
    temporalUiUrl: null,
    version: '0.0.0-test',
  });
});
