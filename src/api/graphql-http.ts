import { ApolloServer } from '@apollo/server';
import type { ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest, preHandlerHookHandler } from 'fastify';
import { GraphQLError, parse, validate } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import type { ApiDependencies } from './dependencies.ts';
import { createContext, createTrace, identifyCaller } from './graphql/context.ts';
import type { Caller, RequestContext } from './graphql/context.ts';
import { toClientError } from './graphql/errors.ts';
import { parseWithinLimits } from './graphql/limits.ts';
import { presentedBy } from './session/presented.ts';
import type { TaskWatch } from './task-watch.ts';

interface GraphqlOptions {
  readonly schema: GraphQLSchema;
  readonly api: ApiDependencies;
  readonly taskWatch: TaskWatch;
}

/** GraphQL over HTTP at /graphql. */
export async function serveGraphql(
  app: FastifyInstance,
  { schema, api, taskWatch }: GraphqlOptions,
): Promise<ApolloServer<RequestContext>> {
  const apollo = new ApolloServer<RequestContext>({
    schema,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    introspection: true,
    persistedQueries: false,
    // `limitQueries` checks each request: the cost depends on its variables.
    documentStore: null,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    logger: api.logger.child({}, { level: 'warn' }),
    formatError: (_formatted, error) => toClientError(error, createTrace(api)),
    plugins: [ApolloServerPluginLandingPageDisabled(), limitQueries(schema)],
  });
  await apollo.start();
  app.decorateRequest('caller');
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    preHandler: [identify, ...traced(api)],
    handler: fastifyApolloHandler(apollo, {
      context: (request, reply) => {
        const caller = request.getDecorator<Caller>('caller');
        const signal = untilClosed(reply);
        return Promise.resolve(createContext(api, taskWatch, caller, { requestId: request.id, signal }));
      },
    }),
  });
  return apollo;

  /** Before parsing: unauthenticated callers cause no work. */
  async function identify(request: FastifyRequest): Promise<void> {
    request.setDecorator('caller', await identifyCaller(api, presentedBy(request, api)));
  }
}

/** After the body is read: what follows is in the span. */
function traced({ tracing }: ApiDependencies): preHandlerHookHandler[] {
  if (tracing === undefined) return [];
  const begin: preHandlerHookHandler = ({ body, method, headers }, reply, proceed) => {
    const { operationName } = (body ?? {}) as { operationName?: unknown };
    const request = {
      name: `${method} /graphql`,
      headers,
      response: reply.raw,
      operationName: typeof operationName === 'string' ? operationName : undefined,
    };
    tracing.serve(request, proceed);
  };
  return [begin];
}

/** Aborts when the connection of the response ends. Fastify's own signal ends once the body has been read. */
function untilClosed({ raw }: FastifyReply): AbortSignal {
  const closing = new AbortController();
  raw.once('close', () => closing.abort());
  return closing.signal;
}

/**
 * Measures inside Apollo, so that the measured document is the executed one. The hook that sees the source cannot refuse it without a 500.
 * It replaces a refused document by an empty one, which is neither parsed nor validated, until the hook that can refuse.
 */
function limitQueries(schema: GraphQLSchema): ApolloServerPlugin<RequestContext> {
  const nothing = parse('{ __typename }');
  return {
    requestDidStart: () => {
      let refusal: GraphQLError | undefined;
      return Promise.resolve({
        didResolveSource: (requestContext) => {
          const { source, request, contextValue } = requestContext;
          try {
            const { document, cost } = parseWithinLimits(source, request.variables);
            contextValue.cost = cost;
            // Apollo reports the errors of other documents.
            if (validate(schema, document).length === 0) Object.assign(requestContext, { document });
          } catch (error) {
            if (!(error instanceof GraphQLError) || error.extensions['code'] !== 'QUERY_TOO_COMPLEX')
              return Promise.resolve();
            refusal = error;
            Object.assign(requestContext, { document: nothing });
          }
          return Promise.resolve();
        },
        didResolveOperation: () => {
          if (refusal === undefined) return Promise.resolve();
          const extensions = { ...refusal.extensions, http: { status: 400 } };
          return Promise.reject(new GraphQLError(refusal.message, { extensions }));
        },
        willSendResponse: ({ contextValue, response }) => {
          const { body } = response;
          if (body.kind === 'single' && contextValue.cost !== undefined)
            body.singleResult.extensions = { ...body.singleResult.extensions, cost: contextValue.cost };
          return Promise.resolve();
        },
      });
    },
  };
}
