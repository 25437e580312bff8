import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { hiddenAddress, openUiDoor } from '../../src/embedded/temporal-ui.ts';
import type { UiDoor } from '../../src/embedded/temporal-ui.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';

async function openDoor(target: string, port?: number): Promise<UiDoor> {
  const door = await openUiDoor(() => target, port);
  onTestFinished(() => door.close());
  return door;
}

async function ask(port: number, headers: Record<string, string>) {
  const request = get({ host: '127.0.0.1', port, path: '/api/v1/namespaces?x=%27', headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

test('the UI is reached by names of this machine only', async () => {
  const ui = await openFakeUpstream({ fallback: { body: 'workflows' } });
  onTestFinished(() => ui.close());
  const { port } = await openDoor(ui.url);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
    expect(await ask(port, { host })).toEqual({ status: 200, body: 'workflows' });
  expect(ui.requests.map(({ path }) => path)).toEqual(Array(3).fill('/api/v1/namespaces?x=%27'));
  expect((await ask(port, { host: `rebound.example:${port}` })).status).toBe(421);
  expect((await ask(port, { host: `localhost:${port}`, origin: 'https://evil.example' })).status).toBe(403);
  expect(ui.requests).toHaveLength(3);
});

test('a door whose port is taken opens at another, and says so when the UI is gone', async () => {
  const first = await openDoor('http://127.0.0.1:1');
  const second = await openDoor('http://127.0.0.1:1', first.port);
  expect(second.port).not.toBe(first.port);
  expect((await ask(second.port, { host: 'localhost' })).status).toBe(502);
});

test('the UI itself listens where no page can find it', () => {
  const addresses = new Set(Array.from({ length: 100 }, () => hiddenAddress('linux')));
  expect(addresses.size).toBeGreaterThan(95);
  for (const address of addresses) expect(address).toMatch(/^127\.\d+\.\d+\.\d+$/);
  expect(hiddenAddress('darwin')).toBe('127.0.0.1');
});
