import type { Fetcher, FetcherReturnType } from '@graphiql/toolkit';
import { OperationTypeNode, getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-sse';
import { csrfHeaders } from '../session/session.ts';

const streams = createClient({ url: '/graphql/stream', headers: csrfHeaders });

/** Requests as the console sends them: the session's cookie, and server-sent events for subscriptions. */
export const fetcher: Fetcher = ({ query, operationName, variables }) => {
  const request = {
    query,
    variables: variables as Record<string, unknown>,
    ...(operationName ? { operationName } : {}),
  };
  if (getOperationAST(parse(query), operationName)?.operation === OperationTypeNode.SUBSCRIPTION)
    return streams.iterate(request) as FetcherReturnType;
  return post(request);
};

async function post(request: object) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...csrfHeaders(),
    },
    body: JSON.stringify(request),
  });
  return response.json();
}
