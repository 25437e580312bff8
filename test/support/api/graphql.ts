/** The GraphQL client of the tests: requests over HTTP, as other clients send them. */

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

/** @param token Sent as Bearer; default: none. */
export async function askGraphql(
  apiUrl: string,
  query: string,
  variables: object = {},
  token?: string,
): Promise<GraphqlAnswer> {
  const response = await fetch(`${apiUrl}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const { data, errors } = JSON.parse(text) as Pick<GraphqlAnswer, 'data' | 'errors'>;
  return { status: response.status, data, errors, text };
}
