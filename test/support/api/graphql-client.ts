/** The GraphQL client of the tests: requests, sockets and event streams, as other clients send them. */
import { createClient } from 'graphql-ws';
import type { Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';

export interface GraphqlAnswer {
  readonly status: number;
  // the tests know what they asked for
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any;
  readonly errors:
    | readonly { readonly message: string; readonly extensions: Record<string, unknown> }[]
    | undefined;
  readonly text: string;
}

export interface GraphqlClient {
  /** @param token Sent as Bearer; default: none. */
  graphql(query: string, variables?: object, token?: string): Promise<GraphqlAnswer>;
  /** @returns `data`. @throws where the answer has errors. */
  // oxlint-disable-next-line typescript/no-explicit-any
  data(query: string, variables?: object, token?: string): Promise<any>;
  /** @returns The payload of a mutation, with `userErrors { code field message }`. @throws where the answer has errors. */
  // oxlint-disable-next-line typescript/no-explicit-any
  mutate(name: string, input: object, selection?: string): Promise<any>;
}

export interface GraphqlRequest {
  readonly query: string;
  readonly variables?: object;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export async function askGraphql(apiUrl: string, request: GraphqlRequest): Promise<GraphqlAnswer> {
  const response = await post(`${apiUrl}/graphql`, request);
  const text = await response.text();
  const { data, errors } = JSON.parse(text) as Pick<GraphqlAnswer, 'data' | 'errors'>;
  return { status: response.status, data, errors, text };
}

/** @param urlOf Called for each request: some servers get their address later. */
export function createGraphqlClient(urlOf: () => string): GraphqlClient {
  const client: GraphqlClient = {
    graphql: (query, variables, token) =>
      askGraphql(urlOf(), { query, token, ...(variables === undefined ? {} : { variables }) }),
    async data(...request) {
      const { data, errors } = await client.graphql(...request);
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return data as unknown;
    },
    async mutate(name, input, selection = '') {
      const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
      const data = (await client.data(
        `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { code field message } } }`,
        { input },
      )) as Record<string, unknown>;
      return data[name];
    },
  };
  return client;
}

/** A socket that speaks graphql-transport-ws only as far as the test does. */
export function openSocket(apiUrl: string, options: ClientOptions = {}): WebSocket {
  return new WebSocket(`${apiUrl.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options);
}

/** The client of graphql-ws, which connects once. */
export function openSocketClient(
  apiUrl: string,
  { token, isLazy = true }: { readonly token?: string; readonly isLazy?: boolean } = {},
): Client {
  return createClient({
    url: `${apiUrl.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: isLazy,
    ...(token === undefined ? {} : { connectionParams: { authorization: `Bearer ${token}` } }),
  });
}

/** Events of a subscription over graphql-ws, until it ends or `return` is called. */
export async function* socketEvents<Event>(
  apiUrl: string,
  { query, variables, token }: GraphqlRequest,
): AsyncGenerator<Event> {
  const client = openSocketClient(apiUrl, token === undefined ? {} : { token });
  try {
    yield* client.iterate({
      query,
      variables: variables as Record<string, unknown> | undefined,
    }) as AsyncIterableIterator<Event>;
  } finally {
    await client.dispose();
  }
}

/** The address of a query's event stream, as curl would be given it. */
export function streamUrl(apiUrl: string, query: string): string {
  return `${apiUrl}/graphql/stream?query=${encodeURIComponent(query)}`;
}

/** A POST for an event stream. */
export function openStream(apiUrl: string, request: GraphqlRequest): Promise<Response> {
  return post(`${apiUrl}/graphql/stream`, request, { accept: 'text/event-stream' });
}

/** Events of a subscription, as the answer of `/graphql/stream` has them. */
export async function* streamEvents<Event>(response: Response): AsyncGenerator<Event> {
  let buffered = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    buffered += decoder.decode(chunk as Uint8Array, { stream: true });
    const messages = buffered.split('\n\n');
    buffered = messages.pop() ?? '';
    for (const message of messages) {
      const data = /^event: next\ndata: ?(.+)$/m.exec(message)?.[1];
      if (data !== undefined) yield JSON.parse(data) as Event;
    }
  }
}

function post(
  url: string,
  { query, variables, token, signal }: GraphqlRequest,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
    ...(signal === undefined ? {} : { signal }),
  });
}
