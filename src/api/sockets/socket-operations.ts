import { GraphQLError } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import type { ServerOptions } from 'graphql-ws';
import type { Extra } from 'graphql-ws/use/ws';
import type { WebSocket } from 'ws';
import type { ApiDependencies } from '../dependencies.ts';
import { createContext, createTrace } from '../graphql/context.ts';
import type { RequestContext } from '../graphql/context.ts';
import { toClientError, toClientResult } from '../graphql/errors.ts';
import { badRequest, prepareOperation } from '../graphql/execution.ts';
import type { SocketLogins } from './socket-logins.ts';
import type { TaskWatch } from '../task-watch.ts';

/** The steps of an operation, as graphql-ws calls them. */
type OperationSteps = Required<
  Pick<ServerOptions<undefined, Extra>, 'onSubscribe' | 'onError' | 'onNext' | 'onComplete'>
>;

export interface SocketOptions {
  readonly schema: GraphQLSchema;
  readonly api: ApiDependencies;
  readonly taskWatch: TaskWatch;
}

const operationsPerSocket = 50;

/** Each operation of a socket has a context of its own, for the caller as whom the socket is logged in. */
export function serveOperations(
  { schema, api, taskWatch }: SocketOptions,
  logins: SocketLogins,
): OperationSteps {
  const contexts = new WeakMap<WebSocket, Map<string, RequestContext>>();

  function keep(socket: WebSocket, id: string, context: RequestContext): void {
    const open = contexts.get(socket) ?? new Map<string, RequestContext>();
    contexts.set(socket, open.set(id, context));
  }

  /** An operation that was refused before it had a context gets a trace of its own. */
  function toldWith(socket: WebSocket, id: string) {
    const { trace, cost } = contexts.get(socket)?.get(id) ?? {};
    return { trace: trace ?? createTrace(api), cost };
  }

  return {
    async onSubscribe({ subscriptions, extra: { socket } }, id, payload) {
      if (Object.keys(subscriptions).length > operationsPerSocket)
        return [
          badRequest(
            `More than ${operationsPerSocket} operations are open on this socket; complete some first.`,
          ),
        ];
      try {
        const caller = await logins.identify(socket);
        const context = createContext(api, taskWatch, caller, { signal: endOf(socket) });
        keep(socket, id, context);
        const prepared = prepareOperation(schema, payload, context);
        return isErrorList(prepared) ? prepared : { ...prepared };
      } catch (error) {
        return [asGraphqlError(error)];
      }
    },
    onError({ extra: { socket } }, id, _payload, errors) {
      const { trace } = toldWith(socket, id);
      contexts.get(socket)?.delete(id);
      return errors.map((error) => toClientError(error, trace));
    },
    onNext: ({ extra: { socket } }, id, _payload, _args, result) =>
      toClientResult(result, toldWith(socket, id)),
    onComplete: ({ extra: { socket } }, id) => void contexts.get(socket)?.delete(id),
  };
}

/** Aborts when the socket ends. */
function endOf(socket: WebSocket): AbortSignal {
  const known = ends.get(socket);
  if (known !== undefined) return known;
  const ending = new AbortController();
  socket.once('close', () => ending.abort());
  ends.set(socket, ending.signal);
  return ending.signal;
}

const ends = new WeakMap<WebSocket, AbortSignal>();

function isErrorList(value: object): value is readonly GraphQLError[] {
  return Array.isArray(value);
}

/** `onError` tells the client what it may know of the original error. */
function asGraphqlError(error: unknown): GraphQLError {
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}
