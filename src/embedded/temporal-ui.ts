/**
 * A proxy before the embedded Temporal's UI. The UI accepts any Host, so a web page could read and end workflows by DNS rebinding. The UI
 * listens on an unguessable address, and this server checks Host on the known one.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkHost } from '../api/host-guard.ts';

export interface UiDoor {
  /** The URL for people. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** One of 16 million loopback addresses. Systems other than Linux have one, so only the port is secret there. */
export function hiddenAddress(platform: NodeJS.Platform = process.platform): string {
  if (platform !== 'linux') return '127.0.0.1';
  return `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(2, 255)}`;
}

/**
 * @param target The current URL of the UI: `http://127.93.4.17:40123`.
 * @param preferredPort Used if it is free.
 */
export async function openUiDoor(target: () => string, preferredPort: number | undefined): Promise<UiDoor> {
  const server = createServer((request, response) => pass(request, response, target()));
  try {
    server.listen(preferredPort ?? 0, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function pass(request: IncomingMessage, response: ServerResponse, target: string): void {
  const refusal = checkHost(request.headers, { host: '127.0.0.1' });
  if (refusal !== undefined) {
    request.resume();
    response.writeHead(refusal.status, { 'content-type': 'text/plain' }).end(`${refusal.message}\n`);
    return;
  }
  const { hostname, port } = new URL(target);
  const { method, url, headers } = request;
  const asked = httpRequest({ hostname, port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.once('error', () => response.destroy());
  });
  asked.once('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end('The Temporal UI does not answer.\n');
  });
  response.once('close', () => asked.destroy());
  request.pipe(asked);
}
