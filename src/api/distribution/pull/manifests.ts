import type { FastifyReply } from 'fastify';
import type { ServedManifest } from '../../../db/reads/read-served.ts';
import { quoteValue } from '../../../oci/error.ts';
import { isAcceptable } from './accept.ts';
import { refuse } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import { nameContent } from '../exchange.ts';
import { findManifest } from './find-manifest.ts';
import type { ManifestPath } from './find-manifest.ts';

/** distribution-spec, "Pulling manifests": the exact bytes with their media type, never converted. */
export async function answerManifest(exchange: Exchange, path: ManifestPath): Promise<FastifyReply> {
  const { request, reply } = exchange;
  const { manifest, repositoryId } = await findManifest(exchange, path);
  if ('tag' in path.reference) checkAccept(exchange, manifest, path.reference.tag);
  reply.header('vary', 'accept');
  if (nameContent(exchange, manifest.digest).isKnown) return reply.code(304).send();
  reply.headers({ 'content-type': manifest.mediaType, 'content-length': manifest.sizeBytes });
  if (request.method === 'GET')
    exchange.api.pulls.count({ repositoryId, pulls: 1, bytes: manifest.sizeBytes });
  return reply.send(manifest.raw ?? undefined);
}

/** Only a tag is refused by Accept: a digest names exact bytes (fault 78). */
function checkAccept({ request }: Exchange, { mediaType }: ServedManifest, tag: string): void {
  if (isAcceptable(request.headers.accept, mediaType)) return;
  throw refuse(
    'MANIFEST_UNKNOWN',
    `The tag ${quoteValue(tag)} is a ${mediaType}, which the request's Accept excludes; manifests are not converted.`,
  );
}
