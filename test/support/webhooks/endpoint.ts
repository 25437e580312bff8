/** An endpoint of webhooks on a real port: it answers as the test says, and keeps what it got. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How the endpoint answers. The last answer is repeated. */
export type EndpointAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Closes the connection without an answer. */
  | 'reset'
  /** Does not answer until the endpoint is closed. */
  | 'silence';

export interface WebhookEndpoint {
  readonly url: string;
  readonly received: readonly ReceivedMessage[];
  /** The answers to the next messages. */
  answer(...answers: EndpointAnswer[]): void;
  close(): Promise<void>;
}

export async function openWebhookEndpoint(...first: EndpointAnswer[]): Promise<WebhookEndpoint> {
  let answers: EndpointAnswer[] = first.length === 0 ? [{ status: 204 }] : first;
  const received: ReceivedMessage[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      received.push({ path, headers, body: Buffer.concat(chunks).toString('utf8') });
      const [next = { status: 204 }, ...rest] = answers;
      if (rest.length > 0) answers = rest;
      reply(response, next);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer(...next) {
      answers = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function reply(response: ServerResponse, answer: EndpointAnswer): void {
  if (answer === 'silence') return;
  if (answer === 'reset') response.socket?.destroy();
  else response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
}
