import { once } from 'node:events';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, OperationTypeNode, getOperationAST } from 'graphql';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { createHandler } from 'graphql-sse';
import type { Response, ResponseBody } from 'graphql-sse';
import type { ApiDependencies } from './dependencies.ts';
import { createContext, identifyCaller } from './graphql/context.ts';
import type { RequestContext } from './graphql/context.ts';
import { toClientError, toClientResult } from './graphql/errors.ts';
import { prepareOperation } from './graphql/execution.ts';
import { createPlaces } from './places.ts';
import { presentedBy } from './session/presented.ts';
import type { TaskWatch } from './task-watch.ts';

export const eventStreamLimits = { streams: 1_000, streamsPerCaller: 250 } as const;

/** How much one stream has been sent and has taken. */
interface Delivery {
  readonly context: RequestContext;
  readonly closed: AbortSignal;
}

interface Options {
  readonly schema: GraphQLSchema;
  readonly api: ApiDependencies;
  readonly taskWatch: TaskWatch;
}

/** graphql-sse at /graphql/stream in distinct connections mode: `curl -N` can follow a subscription. */
export function serveEventStreams(app: FastifyInstance, { schema, api, taskWatch }: Options): void {
  const places = createPlaces({ all: eventStreamLimits.streams, each: eventStreamLimits.streamsPerCaller });
  const handler = createHandler<FastifyRequest, Delivery, RequestContext & Record<PropertyKey, unknown>>({
    schema,
    // Without a token, only distinct connections: a reserved stream would outlive its request.
    authenticate: () => undefined,
    onSubscribe: (request, params) => {
      const { context } = request.context;
      const prepared = prepareOperation(schema, params, context);
      if (isErrorList(prepared)) return asResponse(prepared, context);
      const operation = getOperationAST(prepared.document, prepared.operationName);
      if (request.method === 'GET' && operation?.operation === OperationTypeNode.MUTATION)
        return asResponse([badMethod()], context, 405);
      return { ...prepared, contextValue: context as RequestContext & Record<PropertyKey, unknown> };
    },
    onNext: (context, _request, result) => toClientResult(result, context) as ExecutionResult,
  });

  app.route({
    method: ['GET', 'POST'],
    url: '/graphql/stream',
    handler: async (request, reply) => {
      const caller = await identifyCaller(api, presentedBy(request, api));
      const leave = places.take(caller.viewer);
      if (leave === undefined)
        return reply.code(503).send({ errors: [{ message: 'Too many event streams are open.' }] });
      const closing = new AbortController();
      const stream = createDelivery(reply, closing.signal);
      const context = createContext(api, taskWatch, caller, {
        requestId: request.id,
        signal: closing.signal,
        untilDelivered: stream.untilDelivered,
      });
      reply.raw.once('close', () => closing.abort());
      try {
        const response = await handler({
          method: request.method,
          url: request.url,
          headers: { get: (name) => headerOf(request, name) },
          body: isBody(request.body) ? request.body : null,
          raw: request,
          context: { context, closed: closing.signal },
        });
        await stream.write(response);
      } finally {
        leave();
      }
      return reply;
    },
  });
}

/** Writes a stream no faster than the client reads, and applies back-pressure to the producer. */
function createDelivery(reply: FastifyReply, closed: AbortSignal) {
  const untilDelivered = async (): Promise<void> => {
    if (!reply.raw.writableNeedDrain || closed.aborted) return;
    await once(reply.raw, 'drain', { signal: closed }).catch(() => undefined);
  };
  async function write([body, init]: Response): Promise<void> {
    if (!isStream(body)) {
      await reply
        .code(init.status)
        .headers(init.headers ?? {})
        .send(body ?? '');
      return;
    }
    reply.hijack();
    const headers = Object.fromEntries(
      Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
    );
    reply.raw.writeHead(init.status, { ...headers, ...init.headers, 'x-accel-buffering': 'no' });
    const end = (): void => void body.return(undefined);
    closed.addEventListener('abort', end);
    for await (const text of body) {
      if (closed.aborted) break;
      reply.raw.write(text);
      await untilDelivered();
    }
    reply.raw.end();
  }
  return { untilDelivered, write };
}

/** Maps any Accept that allows event streams to exactly that, because the handler compares whole strings. */
function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()];
  const text = Array.isArray(value) ? value.join(', ') : value;
  if (name.toLowerCase() !== 'accept') return text;
  return text === undefined || /text\/event-stream|\*\/\*/.test(text) ? 'text/event-stream' : text;
}

function asResponse(errors: readonly GraphQLError[], { trace }: RequestContext, status = 400): Response {
  const body = JSON.stringify({ errors: errors.map((error) => toClientError(error, trace)) });
  const statusText = status === 405 ? 'Method Not Allowed' : 'Bad Request';
  return [body, { status, statusText, headers: { 'content-type': 'application/json; charset=utf-8' } }];
}

function badMethod(): GraphQLError {
  return new GraphQLError('A mutation came by GET; expected POST with content-type: application/json.', {
    extensions: { code: 'BAD_REQUEST' },
  });
}

function isErrorList(value: object): value is readonly GraphQLError[] {
  return Array.isArray(value);
}

function isBody(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}

function isStream(body: ResponseBody | null): body is Exclude<ResponseBody, string> {
  return body !== null && typeof body === 'object';
}
