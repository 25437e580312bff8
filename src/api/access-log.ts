import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { AccessLog } from './dependencies.ts';
import type { Exchange } from './distribution/exchange.ts';

/** Longer values are cut, because callers choose them. */
const longestPath = 1_000;
const longestAgent = 300;

interface AccessLogOptions {
  /** Writes one line with its line end. */
  readonly write: (line: string) => void;
  /** Default: the clock. */
  readonly now?: () => Date;
}

/** Writes one JSON object per request after its response has ended. docs/production.md lists the fields. */
export function createAccessLog({ write, now = () => new Date() }: AccessLogOptions): AccessLog {
  return {
    watch(request, response) {
      const begun = performance.now();
      const sent = countBody(response);
      response.once('close', () => {
        const entry = {
          time: now().toISOString(),
          log: 'access',
          method: request.method,
          // The query string may contain a token.
          path: (request.originalUrl.split('?', 1)[0] ?? '').slice(0, longestPath),
          status: response.statusCode,
          bytes: request.method === 'HEAD' ? 0 : sent(),
          ms: Math.round((performance.now() - begun) * 10) / 10,
          client: request.socket.remoteAddress ?? null,
          login: loginOf(request),
          userAgent: request.headers['user-agent']?.slice(0, longestAgent) ?? null,
          // The client left, or the body was aborted.
          ...(response.writableFinished ? {} : { aborted: true }),
        };
        write(`${JSON.stringify(entry)}\n`);
      });
    },
  };
}

/** On standard output. */
export function createOutputLog(): AccessLog {
  return createAccessLog({ write: (line) => void process.stdout.write(line) });
}

/** Null before the caller is known, and for callers without a login. */
function loginOf(request: FastifyRequest): string | null {
  const viewer = request.getDecorator<Exchange | undefined>('exchange')?.client.viewer;
  return viewer?.kind === 'token' || viewer?.kind === 'subject' ? viewer.name : null;
}

/** Counts the bytes of a response body. */
function countBody(response: ServerResponse): () => number {
  let bytes = 0;
  const count = (chunk: unknown): void => {
    if (typeof chunk === 'string') bytes += Buffer.byteLength(chunk);
    else if (chunk instanceof Uint8Array) bytes += chunk.byteLength;
  };
  // Called with the response as `this` below.
  // oxlint-disable-next-line typescript/unbound-method
  const { write, end } = response;
  response.write = function counted(this: ServerResponse, ...parameters: unknown[]) {
    count(parameters[0]);
    return Reflect.apply(write, this, parameters) as boolean;
  } as typeof write;
  response.end = function counted(this: ServerResponse, ...parameters: unknown[]) {
    count(parameters[0]);
    return Reflect.apply(end, this, parameters) as ServerResponse;
  } as typeof end;
  return () => bytes;
}
