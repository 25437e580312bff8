import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { mediaTypes } from '../oci/manifest/media-type.ts';
import { parseManifest } from '../oci/manifest/manifest-parse.ts';
import { isTagName } from '../oci/tag-name.ts';
import type { SampleRepository } from './sample-image.ts';
import type { Digest } from '../oci/digest.ts';
import type { ManifestDocument } from '../oci/manifest/manifest.ts';

export interface SampleUpstreamOptions {
  /** By name, read for each request, so that changes apply at once. */
  readonly repositories: ReadonlyMap<string, SampleRepository>;
  /** The port on 127.0.0.1; default 0: any free one. */
  readonly port?: number;
  /** The maximum of names in a page of tags/list; default 1,000. */
  readonly pageSizeMax?: number;
  /** The required Basic credentials; default none. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Sent with answers about manifests. */
  readonly manifestHeaders?: Readonly<Record<string, string>>;
}

export interface SampleRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
}

export interface SampleUpstream {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** The latest 10,000 requests, oldest first. */
  readonly requests: readonly SampleRequest[];
  /** The sent bytes of blobs. */
  readonly blobBytesSent: number;
  /** Stops the server and closes all connections. */
  close(): Promise<void>;
}

const requestsMax = 10_000;
const chunkBytes = 256 * 1024;

/** Starts a read-only registry (OCI Distribution 1.1) that serves sample repositories. */
export async function startSampleUpstream(options: SampleUpstreamOptions): Promise<SampleUpstream> {
  const requests: SampleRequest[] = [];
  const sent = { bytes: 0 };
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '' });
    if (requests.length > requestsMax) requests.shift();
    serve({ request, response, options, sent }).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get blobBytesSent() {
      return sent.bytes;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly options: SampleUpstreamOptions;
  readonly sent: { bytes: number };
}

async function serve(exchange: Exchange): Promise<void> {
  const { request, response, options } = exchange;
  const url = new URL(request.url ?? '/', 'http://upstream.invalid');
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
  if (!isAdmitted(exchange)) {
    response.setHeader('WWW-Authenticate', 'Basic realm="sample"');
    return sendError(response, 401, 'UNAUTHORIZED', 'This registry requires a user name and a password.');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendError(response, 405, 'UNSUPPORTED', 'This registry is read-only; expected GET or HEAD.');
  if (url.pathname === '/v2/' || url.pathname === '/v2') return sendJson(response, {});
  if (url.pathname === '/v2/_catalog')
    return sendJson(response, { repositories: [...options.repositories.keys()].sort() });
  const route = /^\/v2\/(.+)\/(tags|manifests|blobs|referrers)\/([^/]+)$/.exec(url.pathname);
  const [name, resource, reference] = [route?.[1] ?? '', route?.[2] ?? '', route?.[3] ?? ''];
  const repository = options.repositories.get(name);
  if (route === null || repository === undefined)
    return sendError(response, 404, 'NAME_UNKNOWN', `No repository was found for ${url.pathname}.`);
  if (resource === 'tags') return sendTags(exchange, name, repository, url.searchParams);
  if (resource === 'manifests') response.setHeaders(new Headers(options.manifestHeaders));
  if (resource === 'manifests') return sendManifest(exchange, repository, reference);
  if (resource === 'referrers') return sendReferrers(exchange, repository, reference);
  return sendBlob(exchange, repository, reference);
}

function isAdmitted({ request, options: { credentials } }: Exchange): boolean {
  if (credentials === undefined) return true;
  const basic = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  return request.headers.authorization === `Basic ${basic}`;
}

/** distribution-spec, "Listing Tags": lexical order, `n`, `last`, `Link` to the next page. */
function sendTags(
  exchange: Exchange,
  name: string,
  repository: SampleRepository,
  query: URLSearchParams,
): void {
  const { response, options } = exchange;
  const asked = query.get('n');
  if (asked !== null && !/^[0-9]{1,10}$/.test(asked))
    return sendError(response, 400, 'PAGINATION_NUMBER_INVALID', 'n must be a whole number from 0.');
  const pageSize = Math.min(asked === null ? Infinity : Number(asked), options.pageSizeMax ?? 1000);
  const last = query.get('last');
  const names = [...repository.tags.keys()].sort().filter((tag) => last === null || tag > last);
  const tags = names.slice(0, pageSize);
  const end = tags.at(-1);
  if (end !== undefined && tags.length < names.length) {
    const next = new URLSearchParams({ n: String(pageSize), last: end }).toString();
    response.setHeader('Link', `</v2/${name}/tags/list?${next}>; rel="next"`);
  }
  sendJson(response, { name, tags });
}

function sendManifest(exchange: Exchange, repository: SampleRepository, reference: string): void {
  const { response } = exchange;
  const digest = isTagName(reference) ? repository.tags.get(reference) : (reference as Digest);
  const document = digest === undefined ? undefined : repository.manifests.get(digest);
  if (document === undefined)
    return sendError(response, 404, 'MANIFEST_UNKNOWN', `The manifest ${reference} was not found.`);
  sendDocument(response, document);
}

/** distribution-spec, "Listing Referrers"; without filters or pages. */
function sendReferrers(exchange: Exchange, repository: SampleRepository, subject: string): void {
  const manifests = [...repository.manifests.values()].flatMap((document) => {
    const parsed = parseOnce(document);
    if (parsed?.subject?.digest !== subject) return [];
    const { digest, mediaType, bytes } = document;
    return [{ mediaType, digest, size: bytes.length, artifactType: parsed.artifactType }];
  });
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  exchange.response.setHeader('Content-Type', index.mediaType);
  sendBody(exchange.response, Buffer.from(JSON.stringify(index)));
}

const parsedBefore = new WeakMap<ManifestDocument, ReturnType<typeof tryParse>>();

/** A cache, because each request for referrers reads all manifests. */
function parseOnce(document: ManifestDocument): ReturnType<typeof tryParse> {
  if (!parsedBefore.has(document)) parsedBefore.set(document, tryParse(document));
  return parsedBefore.get(document);
}

function tryParse(document: ManifestDocument): ReturnType<typeof parseManifest> | undefined {
  try {
    return parseManifest(document.bytes, document.mediaType);
  } catch {
    // An invalid sample refers to nothing.
    return undefined;
  }
}

function sendDocument(response: ServerResponse, document: ManifestDocument): void {
  response.setHeader('Content-Type', document.mediaType);
  response.setHeader('Docker-Content-Digest', document.digest);
  response.setHeader('ETag', `"${document.digest}"`);
  sendBody(response, document.bytes);
}

/** A blob or one range of it (RFC 9110 section 14); several ranges are answered with the whole blob. */
async function sendBlob(exchange: Exchange, repository: SampleRepository, reference: string): Promise<void> {
  const { request, response, sent } = exchange;
  const blob = repository.blobs.get(reference as Digest);
  if (blob === undefined)
    return sendError(response, 404, 'BLOB_UNKNOWN', `The blob ${reference} was not found.`);
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Docker-Content-Digest', reference);
  response.setHeader('Accept-Ranges', 'bytes');
  const range = parseRange(request.headers.range, blob.length);
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${blob.length}`);
    return sendError(response, 416, 'RANGE_INVALID', `The blob has ${blob.length} bytes.`);
  }
  const [start, end] = range ?? [0, blob.length];
  if (range !== undefined) {
    response.statusCode = 206;
    response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${blob.length}`);
  }
  response.setHeader('Content-Length', end - start);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await pipeline(
    Readable.from(cut(blob.subarray(start, end), sent), { objectMode: true, highWaterMark: 2 }),
    response,
  );
}

function* cut(bytes: Buffer, sent: { bytes: number }): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    sent.bytes += chunk.length;
    yield chunk;
  }
}

/** `[start, end)`; undefined for the whole blob. */
function parseRange(
  header: string | undefined,
  size: number,
): [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(header ?? '');
  if (match === null) return undefined;
  const [first = '', last = ''] = match.slice(1);
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start < end ? [start, end] : 'unsatisfiable';
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json');
  sendBody(response, Buffer.from(JSON.stringify(value)));
}

/** distribution-spec, "Error Codes". */
function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  response.statusCode = status;
  sendJson(response, { errors: [{ code, message }] });
}

/** For HEAD, node:http omits the body and keeps the length. */
function sendBody(response: ServerResponse, bytes: Buffer): void {
  response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
}
