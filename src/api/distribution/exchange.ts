import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Em } from '../../db/open-database.ts';
import { resolveDistribution } from '../../db/distributions.ts';
import type { VersionKey } from '../../db/read-versions.ts';
import type { PolicyKey } from '../../db/verdicts.ts';
import { quoteValue } from '../../oci/error.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { refuse } from './error.ts';

export type DistributionDependencies = Pick<
  ApiDependencies,
  'database' | 'blobs' | 'upstreams' | 'logger' | 'uploads' | 'config' | 'signatures'
>;

/** One request and what answers it. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly query: URLSearchParams;
  readonly em: Em;
  readonly api: DistributionDependencies;
}

/** A version as it is served at a name. */
export interface ServedVersion extends VersionKey {
  /** Where to look for what the version does not have; null: nowhere. */
  readonly pullThroughRemoteId: number | null;
  /** What has to verify an image before it is served; null: nothing. */
  readonly policy: PolicyKey | null;
}

/**
 * The version that is served at a name now; number 0 where the repository has none yet. A private distribution is as good as absent
 * while there are no logins.
 * @throws TidemarkError `NAME_UNKNOWN`
 */
export async function findServedVersion({ em }: Exchange, name: string): Promise<ServedVersion> {
  const found = await resolveDistribution(em, name);
  if (found !== undefined && !found.isPrivate)
    return {
      repositoryId: found.repositoryId,
      number: found.version,
      pullThroughRemoteId: found.pullThroughRemoteId,
      policy: found.policy,
    };
  throw refuse(
    'NAME_UNKNOWN',
    `There is no repository ${quoteValue(name)} here; /v2/_catalog lists those that are.`,
  );
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
