import type { FastifyReply } from 'fastify';
import { readServedManifest } from '../../db/read-served.ts';
import type { ServedManifest } from '../../db/read-served.ts';
import { quoteValue } from '../../oci/error.ts';
import { isAcceptable, isNamed } from './accept.ts';
import { refuse, refuseUpstream } from './error.ts';
import type { Exchange, ServedVersion } from './exchange.ts';
import { findServedVersion, nameContent } from './exchange.ts';
import type { ManifestReference } from './parse-path.ts';
import { requireVerified } from './require-verified.ts';

interface ManifestPath {
  readonly name: string;
  readonly reference: ManifestReference;
}

/** distribution-spec, "Pulling manifests": the exact bytes with their own media type, never converted. */
export async function answerManifest(exchange: Exchange, path: ManifestPath): Promise<FastifyReply> {
  const { request, reply, em } = exchange;
  const accepts = (mediaType: string) => isNamed(request.headers.accept, mediaType);
  const wish = { reference: path.reference, withDocument: request.method === 'GET', accepts };
  let version = await findServedVersion(exchange, path.name);
  let manifest = await readServedManifest(em, version, wish);
  if (manifest === undefined && (await pullThrough(exchange, version, path))) {
    version = await findServedVersion(exchange, path.name);
    manifest = await readServedManifest(em, version, wish);
  }
  if (manifest === undefined) throw unknown(path.name, path.reference);
  // whoever signs an image asks for its manifest by digest first; its layers are nobody's before
  if ('tag' in path.reference || !version.maySign) await requireVerified(exchange, version, path.reference);
  if ('tag' in path.reference) checkAccept(exchange, manifest, path.reference.tag);
  reply.header('vary', 'accept');
  if (nameContent(exchange, manifest.digest).isKnown) return reply.code(304).send();
  reply.headers({ 'content-type': manifest.mediaType, 'content-length': manifest.sizeBytes });
  return reply.send(manifest.raw ?? undefined);
}

/** Whether the upstream had it: it is in the latest version then. A pull of what is there asks no upstream. */
async function pullThrough(
  { api }: Exchange,
  { repositoryId, pullThroughRemoteId: remoteId }: ServedVersion,
  { name, reference }: ManifestPath,
): Promise<boolean> {
  if (remoteId === null) return false;
  try {
    return await api.upstreams.pullManifest({ repositoryId, remoteId, reference });
  } catch (error) {
    const what = 'tag' in reference ? `the tag ${quoteValue(reference.tag)}` : reference.digest;
    throw refuseUpstream(
      `The repository ${quoteValue(name)} does not have ${what}, and its upstream cannot be asked now.`,
      error,
    );
  }
}

function unknown(name: string, reference: ManifestReference): Error {
  const what =
    'tag' in reference ? `the tag ${quoteValue(reference.tag)}` : `the manifest ${reference.digest}`;
  return refuse('MANIFEST_UNKNOWN', `The repository ${quoteValue(name)} does not have ${what}.`);
}

/** A digest names the very bytes, so there is nothing to choose; a tag is refused only where Accept excludes what it names (FAULTS 78). */
function checkAccept({ request }: Exchange, { mediaType }: ServedManifest, tag: string): void {
  if (isAcceptable(request.headers.accept, mediaType)) return;
  throw refuse(
    'MANIFEST_UNKNOWN',
    `The tag ${quoteValue(tag)} is a ${mediaType}, which the request's Accept excludes; manifests are not converted.`,
  );
}
