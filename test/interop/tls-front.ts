/** A TLS proxy with the certificate of the fixtures, as people put one before the API. */
import { once } from 'node:events';
import { request as send } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { fixture } from '../support/upstream/fake-upstream.ts';

export interface TlsFront {
  readonly url: string;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** What it stands before; to be set before the first request. */
  target: string;
  /** `200 GET /v2/`: what was answered so far. */
  readonly answered: string[];
  close(): Promise<void>;
}

export async function startTlsFront(): Promise<TlsFront> {
  const server = createServer(
    { cert: fixture('server.pem'), key: fixture('server.key') },
    (request, response) => {
      const { method, headers } = request;
      const forwarded = send(`${front.target}${request.url}`, { method, headers }, (answer) => {
        front.answered.push(`${answer.statusCode} ${method} ${request.url}`);
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        pipeline(answer, response, () => undefined);
      });
      pipeline(request, forwarded, (error) => void (error && response.destroy()));
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const front: TlsFront = {
    url: `https://${host}`,
    host,
    target: '',
    answered: [],
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return front;
}
