import { request as ask } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Answer } from './fake-upstream.ts';

/** Passes GET and HEAD on to another server, so that a fake upstream before it counts them. `without`: a header that its answers lose. */
export function forward(base: () => string, without?: string): Answer {
  return async ({ method, url = '/', headers }, response) => {
    const target = new URL(base());
    const sent = ask({ host: target.hostname, port: target.port, path: url, method, headers });
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    if (without !== undefined) delete answer.headers[without];
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    await pipeline(answer, response);
  };
}
