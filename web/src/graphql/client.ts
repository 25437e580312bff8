import { cacheExchange } from '@urql/exchange-graphcache';
import { createClient as createStreamClient } from 'graphql-sse';
import { Client, errorExchange, fetchExchange, subscriptionExchange } from 'urql';
import { csrfHeaders } from '../session/session.ts';
import { aroundCache } from './read-once.ts';
import { refreshExchange } from './refresh-exchange.ts';
import { withoutId } from './without-id.ts';

/** Of the interfaces that fragments are on. */
const possibleTypes = { RemoteSettings: ['Remote', 'MirrorRule', 'Proxy'] };

interface Options {
  /** Called when the server no longer accepts the session. */
  readonly onLoggedOut: () => void;
}

export function createGraphqlClient({ onLoggedOut }: Options): Client {
  const streams = createStreamClient({
    url: '/graphql/stream',
    headers: csrfHeaders,
    // A restart of the server takes seconds; the subscription continues after it.
    retryAttempts: 1_000,
    retry: (retries) => new Promise((done) => setTimeout(done, Math.min(250 * 2 ** retries, 5_000))),
  });
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: () => ({ headers: csrfHeaders() }),
    exchanges: [
      refreshExchange,
      errorExchange({
        onError: (error) => {
          const codes = error.graphQLErrors.map(({ extensions }) => extensions['code']);
          if (codes.includes('UNAUTHENTICATED')) onLoggedOut();
        },
      }),
      aroundCache(cacheExchange({ keys: withoutId, possibleTypes })),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: streams.subscribe(
              { query: query ?? '', variables: variables as Record<string, unknown> },
              {
                next: (result) => sink.next(result as Parameters<typeof sink.next>[0]),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
}
