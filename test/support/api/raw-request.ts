import { request } from 'node:http';
import { expect } from 'vitest';
import type { ApiUnderTest } from './api-server.ts';

export interface Row {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly status: number;
  readonly code?: string;
}

export const json = { 'content-type': 'application/json' };

/** Requests as rows of a table, sent as they stand. */
export function rawRequests(given: () => { readonly api: ApiUnderTest }) {
  /** Past fetch, which forbids some headers. */
  function send(row: Row): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        given().api.url,
        // as it is, with what is no part of an address
        {
          path: row.path ?? '/graphql',
          method: row.method ?? 'POST',
          headers: row.headers ?? json,
          agent: false,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString(),
            }),
          );
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(row.body);
    });
  }

  async function check(row: Row): Promise<void> {
    const { status, text } = await send(row);
    expect({ status, text }).toMatchObject({ status: row.status });
    expect(text).not.toMatch(/node_modules|\bat .*\.(?:js|ts):\d+/);
    if (row.code !== undefined)
      expect((JSON.parse(text) as { errors: { extensions: object }[] }).errors[0]?.extensions).toMatchObject({
        code: row.code,
      });
  }

  return { send, check };
}
