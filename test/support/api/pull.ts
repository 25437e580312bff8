/** The client of `/v2/` of the tests. */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';

export interface PullRequest {
  readonly method?: string | undefined;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Buffer | string | undefined;
}

export interface PullAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Past fetch, which would tidy the path up. */
export function pull(
  url: string,
  { method = 'GET', path, headers = {}, body }: PullRequest,
): Promise<PullAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export interface PulledManifest {
  readonly status: number;
  readonly digest: string | undefined;
  readonly text: string;
}

/** A manifest or a part of `/v2/<path>`, as a client that takes indexes and images asks for it. */
export async function pullPath(url: string, path: string, method = 'GET'): Promise<PulledManifest> {
  const headers = { accept: `${mediaTypes.ociIndex}, ${mediaTypes.ociManifest}` };
  const answer = await pull(url, { method, path: `/v2/${path}`, headers });
  const digest = answer.headers['docker-content-digest'];
  return { status: answer.status, digest: digest?.toString(), text: answer.body.toString() };
}
