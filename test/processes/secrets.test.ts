/** Every kind of secret in one sync through processes that log all they can: none of it may be read anywhere afterwards. */
import { readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fixture, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { openScene } from './scene.ts';
import type { Stack } from './stack.ts';
import { testSecret } from '../support/test-secret.ts';

const password = testSecret('password');
const headerValue = testSecret('header');
const proxyPassword = testSecret('proxy');
const signature = testSecret('signature');
const clientKey = fixture('client.key');
const basic = Buffer.from(`alice:${password}`).toString('base64');
const proxyBasic = Buffer.from(`bob:${proxyPassword}`).toString('base64');

function disguises(): string[] {
  const plain = [password, headerValue, proxyPassword, signature, clientKey.split('\n')[1] ?? 'no key'];
  return [
    ...plain,
    ...plain.map((secret) => Buffer.from(secret).toString('hex')),
    ...plain.map((secret) => Buffer.from(secret).toString('base64').slice(0, -4)),
    basic,
    proxyBasic,
  ];
}

/** A proxy that wants its password, for CONNECT and for plain requests. */
async function openProxy() {
  let admitted = 0;
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, socket, head) => {
    if (request.headers['proxy-authorization'] !== `Basic ${proxyBasic}`) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    admitted += 1;
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const origin = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      origin.write(head);
      socket.pipe(origin).pipe(socket);
    });
    for (const end of [socket, origin]) end.on('error', () => [socket, origin].map((one) => one.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://bob:${proxyPassword}@127.0.0.1:${(server.address() as AddressInfo).port}`,
    admitted: () => admitted,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('fault 119, fault 101: with trace logs, no secret is in any output, history, table or file', async () => {
  const proxy = await openProxy();
  const scene = await openScene();
  const { stack, content } = scene;
  const cdn = await openFakeUpstream({ tls: {}, fallback: sampleAnswers(content) });
  const upstream = await openFakeUpstream({ tls: { clientCertificate: true }, fallback: guarded(content) });
  function guarded(repository: typeof content): Answer {
    const serve = sampleAnswers(repository);
    return async (request, response) => {
      if (request.headers.authorization !== `Basic ${basic}`)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"', 'content-length': '0' }).end();
      else if (request.headers['x-secret'] !== headerValue)
        response.writeHead(403, { 'content-length': '0' }).end();
      else if (request.url?.includes('/blobs/') === true)
        response
          .writeHead(307, {
            location: `${cdn.url}${request.url}?X-Signature=${signature}`,
            'content-length': '0',
          })
          .end();
      else if (typeof serve === 'function') await serve(request, response);
    };
  }
  try {
    const ids = await stack.createRepository({
      url: upstream.url,
      upstreamName: 'library/app',
      sslValidation: false,
      sslClientCertificate: fixture('client.pem'),
      username: 'alice',
      headerNames: ['x-secret'],
    });
    const seal = (plain: string, column: string) =>
      stack.secrets.encrypt(plain, `remote:${ids.remoteId}:${column}`);
    await stack
      .em()
      .execute(
        'update remote set password_sealed = ?, headers_sealed = ?, ssl_client_key_sealed = ?, proxy_url_sealed = ? where id = ?',
        [
          seal(password, 'password'),
          seal(JSON.stringify({ 'x-secret': headerValue }), 'headers'),
          seal(clientKey, 'ssl_client_key'),
          seal(proxy.url, 'proxy_url'),
          ids.remoteId,
        ],
      );
    const program = await stack.launch('serve', { LOG_LEVEL: 'trace' });
    const good = await stack.start(ids);
    expect(await stack.finish(good)).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect(proxy.admitted()).toBeGreaterThan(0);
    expect(cdn.requests.some(({ path }) => path.includes(signature))).toBe(true);

    // and one that the upstream refuses
    await stack
      .em()
      .execute(`update remote set username = 'mallory', updated_at = now() where id = ?`, [ids.remoteId]);
    const refused = await stack.finish(await stack.start(ids));
    expect(refused).toMatchObject({ state: 'FAILED', errorCode: 'UPSTREAM_UNAUTHORIZED' });
    expect(await program.end('SIGTERM')).toBe(0);
    const places = new Map([
      ['output', program.output()],
      ['histories', await historiesOf(stack, good.workflowId)],
      ['tables', await tablesOf(stack)],
      ['files', await filesOf(stack.dataDir)],
    ]);
    // the search would find what is there
    expect(places.get('output')).toContain('"level":20');
    // one line when a sync begins and one when it ends, and errors with what they say
    expect(program.output().match(/"event":"task\.(begun|ended)"/g)).toHaveLength(4);
    expect(program.output()).toMatch(
      /"event":"task\.ended".*"outcome":"FAILED".*"code":"UPSTREAM_UNAUTHORIZED"/,
    );
    expect(program.output()).not.toMatch(/^\{"level":[3-6]0.*"err(?:or)?":\{\}/m);
    expect(places.get('histories')).toContain('beginSync');
    expect(places.get('tables')).toContain('x-secret');
    for (const [place, text] of places)
      for (const disguise of disguises())
        expect(text.includes(disguise), `${disguise} in ${place}`).toBe(false);
  } finally {
    proxy.close();
    await scene.close();
    await Promise.all([upstream.close(), cdn.close()]);
  }
});

/** Every string and byte of all runs' histories and descriptions. */
async function historiesOf({ client }: Stack, workflowId: string): Promise<string> {
  const parts: string[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const handle = client.workflow.getHandle(workflowId, run.runId);
    collectText(await handle.fetchHistory(), parts);
    collectText((await handle.describe()).raw, parts);
  }
  return parts.join('\n');
}

function collectText(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value);
  else if (value instanceof Uint8Array) into.push(Buffer.from(value).toString('utf8'));
  else if (typeof value === 'object' && value !== null)
    for (const [key, entry] of Object.entries(value)) {
      into.push(key);
      collectText(entry, into);
    }
}

async function tablesOf(stack: Stack): Promise<string> {
  const em = stack.em();
  const tables = await em.execute<{ name: string }[]>(
    `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await em.execute<{ line: string }[]>(`select row_to_json(t)::text as line from ${name} t`);
    texts.push(name, ...rows.map(({ line }) => line));
  }
  return texts.join('\n');
}

async function filesOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map(async ({ parentPath, name }) => `${name}\n${await readFile(join(parentPath, name), 'latin1')}`),
  );
  expect(files.length).toBeGreaterThan(2);
  return texts.join('\n');
}
