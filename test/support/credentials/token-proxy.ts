import { connect } from 'node:net';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openFakeUpstream } from '../upstream/fake-upstream.ts';
import type { CannedAnswer } from '../upstream/fake-upstream.ts';

export interface TokenProxy extends AsyncDisposable {
  readonly url: string;
  /** Hosts that were connected to through it. */
  targets(): string[];
  /** Bodies of the requests. */
  bodies(): string[];
}

/** A proxy that leads every connection to one TLS server with these answers: it plays hosts whose names a library fixes. */
export async function openTokenProxy(routes: Readonly<Record<string, CannedAnswer>>): Promise<TokenProxy> {
  const targets: string[] = [];
  const bodies: string[] = [];
  const upstream = await openFakeUpstream({ tls: {} });
  for (const [route, { status = 200, headers, body }] of Object.entries(routes))
    upstream.on(route, async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(status, headers).end(body);
    });
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connect', (request, socket, head) => {
    targets.push(request.url ?? '');
    const origin = connect(upstream.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      origin.write(head);
      socket.pipe(origin).pipe(socket);
    });
    for (const end of [socket, origin]) end.on('error', () => [socket, origin].map((one) => one.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: () => targets,
    bodies: () => bodies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await upstream.close();
    },
  };
}
