/** The real thing for a browser: API and worker in processes of their own, PostgreSQL, Temporal, and a sample upstream. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { openStack } from '../../processes/stack.ts';
import type { Program } from '../../support/program/program.ts';
import { createGraphqlClient } from '../../support/api/graphql-client.ts';
import { launchBrowser, openPage } from './browser.ts';
import type { WatchedPage } from './browser.ts';
import type { Ask } from '../../../src/demo/sample-estate.ts';

export interface ConsoleStack {
  readonly origin: string;
  /** The API process that runs now. */
  readonly api: () => Program;
  readonly stack: Awaited<ReturnType<typeof openStack>>;
  readonly ask: Ask;
  open(options?: Partial<Parameters<typeof openPage>[1]>): Promise<WatchedPage>;
  /** Kills the API process, and starts another one at the same address. */
  restartApi(): Promise<void>;
  close(): Promise<void>;
}

export async function openConsole(
  settings: Readonly<Record<string, string>> = {},
  token?: () => string,
): Promise<ConsoleStack> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const stack = await openStack({ settings: { ...settings, TIDEMARK_PORT: String(port) } });
  const [browser, , first] = await Promise.all([
    launchBrowser(),
    stack.launch('worker'),
    stack.launch('api'),
  ] as const);
  let api = first;
  const client = createGraphqlClient(() => origin);
  return {
    origin,
    stack,
    api: () => api,
    ask: <T>(query: string, variables?: object) => client.data(query, variables, token?.()) as Promise<T>,
    open: (options = {}) => openPage(browser, { origin, ...options }),
    async restartApi() {
      await api.end('SIGKILL');
      api = await stack.launch('api');
    },
    async close() {
      await browser.close();
      await stack.close();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
