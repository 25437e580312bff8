import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Em } from '../../db/open-database.ts';
import { resolveDistribution } from '../../db/distributions/distributions.ts';
import type { VersionKey } from '../../db/reads/read-versions.ts';
import type { PolicyKey } from '../../db/policies/verdicts.ts';
import type { PushCaller } from '../../db/versions/push-target.ts';
import type { RegistryViewer } from '../../access/access.ts';
import { clientMay, mayDo, roleFor } from '../../access/registry-rights.ts';
import { visibilityOf } from '../../access/viewer.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { nameUnknown, refuseAction } from './authorise.ts';

export type DistributionDependencies = Pick<
  ApiDependencies,
  'database' | 'blobs' | 'upstreams' | 'logger' | 'uploads' | 'config' | 'signatures' | 'access' | 'accessLog'
>;

/** One request and what answers it. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly query: URLSearchParams;
  readonly em: Em;
  /** Who sends it. */
  readonly client: RegistryViewer;
  readonly api: DistributionDependencies;
}

/** A version as it is served at a name. */
export interface ServedVersion extends VersionKey {
  /** Where to look for what the version does not have; null: nowhere. */
  readonly pullThroughRemoteId: number | null;
  /** What have to verify an image before it is served, each by itself. */
  readonly policies: readonly PolicyKey[];
  /** Whether the client may push here, so that it may read the manifest of what it has pushed to sign it. */
  readonly maySign: boolean;
}

/**
 * The version that is served at a name now, to a client that may pull from it; number 0 where the repository has none yet.
 * @throws TidemarkError `NAME_UNKNOWN`, `UNAUTHORIZED`
 */
export async function findServedVersion(exchange: Exchange, name: string): Promise<ServedVersion> {
  const found = await resolveDistribution(exchange.em, name, exchange.api.access.isOn);
  if (found !== undefined && clientMay(exchange.client, 'pull', { name, isPrivate: found.isPrivate }))
    return {
      repositoryId: found.repositoryId,
      number: found.version,
      pullThroughRemoteId: found.pullThroughRemoteId,
      policies: found.policies,
      maySign: found.isSignedHere && mayDo(exchange.client.viewer, 'push', name, found.isPrivate),
    };
  // the same whether it is absent or not for this client
  if (!clientMay(exchange.client, 'pull', { name, isPrivate: true }))
    throw refuseAction(exchange, 'pull', name);
  throw nameUnknown(name);
}

/** For whom a push or a deletion looks for its target. */
export function pushCaller({ client }: Exchange, action: 'push' | 'delete'): PushCaller {
  const { viewer } = client;
  return { seesPrivate: viewer.kind !== 'everybody', changes: visibilityOf(viewer, roleFor(action)) };
}

/**
 * Sets what names the content of an answer, and says whether the client has it already: If-None-Match (RFC 9110 section 13.1.2)
 * compared weakly with the digest, which is the ETag.
 */
export function nameContent({ request, reply }: Exchange, digest: string): { readonly isKnown: boolean } {
  const etag = `"${digest}"`;
  reply.headers({ 'docker-content-digest': digest, etag });
  const condition = request.headers['if-none-match'];
  if (condition === undefined) return { isKnown: false };
  const tags = condition.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return { isKnown: tags.includes(etag) || condition.trim() === '*' };
}

/** For GET and HEAD alike: Node leaves the body of an answer to HEAD out. */
export function sendJson({ reply }: Exchange, body: object, contentType = 'application/json'): FastifyReply {
  return reply.header('content-type', contentType).send(Buffer.from(JSON.stringify(body)));
}
