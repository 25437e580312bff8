import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RegistryViewer } from '../../access/access.ts';
import type { Em } from '../../db/open-database.ts';
import type { ApiDependencies } from '../dependencies.ts';
import type { AskedName, DistributionPath } from './parse-path.ts';
import type { UploadLocks } from './push/upload-locks.ts';

export type DistributionDependencies = Pick<
  ApiDependencies,
  'database' | 'blobs' | 'upstreams' | 'logger' | 'uploads' | 'config' | 'signatures' | 'access' | 'pulls'
>;

/** One request, with all that its handler needs. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** With names as they are on this server. */
  readonly path: DistributionPath;
  /** Where `?ns=` has led to another name. */
  readonly asked?: AskedName | undefined;
  /** What the client's names lack on this server; mostly empty (`docker-hub.ts`). */
  readonly prefix: string;
  readonly query: URLSearchParams;
  readonly em: Em;
  readonly client: RegistryViewer;
  readonly api: DistributionDependencies;
  readonly locks: UploadLocks;
}

/**
 * Sets the digest headers of an answer. `isKnown`: the client has the content already, by If-None-Match (RFC 9110 section 13.1.2), compared
 * weakly. The ETag is the digest.
 */
export function nameContent({ request, reply }: Exchange, digest: string): { readonly isKnown: boolean } {
  const etag = `"${digest}"`;
  reply.headers({ 'docker-content-digest': digest, etag });
  const condition = request.headers['if-none-match'];
  if (condition === undefined) return { isKnown: false };
  const tags = condition.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return { isKnown: tags.includes(etag) || condition.trim() === '*' };
}

/** How the client names a repository, for the links to its next requests. */
export function askedAs(
  exchange: Pick<Exchange, 'asked' | 'prefix'>,
  name: string,
): { readonly name: string; readonly query: Readonly<Record<string, string>> } {
  const { asked } = exchange;
  if (asked === undefined) return { name: clientName(exchange, name), query: {} };
  return { name: asked.name, query: { ns: asked.namespace } };
}

/** A name as this client writes it. */
export function clientName({ prefix }: Pick<Exchange, 'prefix'>, name: string): string {
  return name.slice(prefix.length);
}

/** The path of a repository, as this client writes it. */
export function clientPath(exchange: Pick<Exchange, 'prefix'>, name: string): string {
  return `/v2/${clientName(exchange, name)}`;
}

/** For GET and HEAD: Node omits the body of an answer to HEAD. */
export function sendJson({ reply }: Exchange, body: object, contentType = 'application/json'): FastifyReply {
  return reply.header('content-type', contentType).send(Buffer.from(JSON.stringify(body)));
}
