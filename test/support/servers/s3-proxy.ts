/** Stands before a real S3 server and plays its bad days: the next requests that fit get another answer, or are broken off. */
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** Done instead of asking the real server; `forward` asks it. */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
  forward: (change?: { readonly body?: (chunk: Buffer) => Buffer; readonly breakAfter?: number }) => void,
) => void;

export interface S3Proxy {
  readonly url: string;
  /** `PUT /bucket/key?…` of each, in order. */
  readonly requests: string[];
  /** The next `times` requests of the method whose address holds `part`. */
  fail(method: string, part: string, times: number, fault: Fault): void;
  close(): Promise<void>;
}

export async function openS3Proxy(target: string): Promise<S3Proxy> {
  const { hostname, port } = new URL(target);
  const faults: { method: string; part: string; times: number; fault: Fault }[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push(`${method} ${url}`);
    const forward: Parameters<Fault>[2] = ({ body = (chunk: Buffer) => chunk, breakAfter } = {}) => {
      const asked = httpRequest({ hostname, port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        let sent = 0;
        answer.on('data', (chunk: Buffer) => {
          sent += chunk.length;
          response.write(chunk);
          if (breakAfter !== undefined && sent >= breakAfter) response.destroy();
        });
        answer.on('end', () => response.end());
      });
      asked.on('error', () => response.destroy());
      request.on('data', (chunk: Buffer) => asked.write(body(chunk)));
      request.on('end', () => asked.end());
    };
    const found = faults.find(
      (one) => one.times > 0 && one.method === method && decodeURIComponent(url).includes(one.part),
    );
    if (found === undefined) return forward();
    found.times -= 1;
    return found.fault(request, response, forward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fail: (method, part, times, fault) => void faults.push({ method, part, times, fault }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** S3's error document; nobody reads the request's body. */
export function answerError(status: number, code: string): Fault {
  return (request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      const text = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>played</Message></Error>`;
      response.end(request.method === 'HEAD' ? undefined : text);
    });
  };
}
