import type { FastifyReply } from 'fastify';
import { pushContent } from '../../../db/versions/push-content.ts';
import { makePushTarget } from '../../../db/versions/push-target.ts';
import { digestBytes } from '../../../oci/digest-bytes.ts';
import type { Digest } from '../../../oci/digest.ts';
import { digestAlgorithm } from '../../../oci/digest.ts';
import { isTidemarkError, quoteValue } from '../../../oci/error.ts';
import type { ParsedManifest } from '../../../oci/manifest/manifest.ts';
import { mediaTypes } from '../../../oci/manifest/media-type.ts';
import { isTagName } from '../../../oci/tag-name.ts';
import { parseManifestDocument } from '../../../threads/parse-manifest.ts';
import { refuse } from '../error.ts';
import { clientPath } from '../exchange.ts';
import type { Exchange } from '../exchange.ts';
import { pushCaller } from '../served-version.ts';
import type { ManifestReference } from '../parse-path.ts';
import { readWhole } from './request-body.ts';

interface ManifestPath {
  readonly name: string;
  readonly reference: ManifestReference;
}

/** In one request (fault 77). */
const maxTags = 100;

/**
 * distribution-spec, "Pushing Manifests": by tag, or by digest with any number of `tag` in the query. All or nothing; the subject may be
 * absent.
 */
export async function putManifest(
  exchange: Exchange,
  { name, reference }: ManifestPath,
): Promise<FastifyReply> {
  const { request, reply, query, em, api } = exchange;
  const caller = pushCaller(exchange, 'push');
  const tags = 'tag' in reference ? [reference.tag] : readTags(query);
  await makePushTarget(em, name, caller);
  const bytes = await readWhole(request, api.config.manifestMaxBytes);
  const digest = 'digest' in reference ? reference.digest : digestBytes(bytes);
  checkDigest(digest, bytes);
  const parsed = await parse(bytes, request.headers['content-type']);
  const document = { digest, mediaType: parsed.mediaType, bytes };
  const byDigest = 'digest' in reference;
  // Refuses a repository that has become a mirror or pinned since.
  await pushContent(
    em,
    { basePath: name, caller },
    { kind: 'put', manifest: { document, parsed }, tags, byDigest },
  );
  if (parsed.subject !== undefined) reply.header('oci-subject', parsed.subject.digest);
  if (byDigest && tags.length > 0) reply.header('oci-tag', tags);
  return reply
    .code(201)
    .headers({
      location: `${clientPath(exchange, name)}/manifests/${digest}`,
      'docker-content-digest': digest,
    })
    .send();
}

function readTags(query: URLSearchParams): string[] {
  const tags = [...new Set(query.getAll('tag'))];
  const wrong = tags.find((tag) => !isTagName(tag));
  if (wrong !== undefined)
    throw refuse(
      'MANIFEST_INVALID',
      `${quoteValue(wrong)} is no tag; expected a letter, digit or _, then up to 127 letters, digits, _ . -.`,
    );
  if (tags.length > maxTags)
    throw refuse('MANIFEST_INVALID', `${tags.length} tags were given; expected at most ${maxTags}.`);
  return tags;
}

function checkDigest(digest: Digest, bytes: Buffer): void {
  const actual = digestBytes(bytes, digestAlgorithm(digest));
  if (actual === digest) return;
  throw refuse(
    'DIGEST_INVALID',
    `The ${bytes.length} bytes that were sent have the digest ${actual}, not ${digest}. Nothing was stored.`,
  );
}

/** The parser's message, with the specification's code. */
async function parse(bytes: Buffer, contentType: string | undefined): Promise<ParsedManifest> {
  let parsed: ParsedManifest;
  try {
    parsed = await parseManifestDocument(bytes, contentType);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    if (error.origin === 'server') throw refuse('UNAVAILABLE', error.message, undefined, error);
    throw refuse('MANIFEST_INVALID', error.message, undefined, error);
  }
  refuseDisguise(parsed);
  return parsed;
}

/** Another reader would see an image or an index in these bytes, but with this type its blobs would not be kept. */
function refuseDisguise({ looksLike, mediaType }: ParsedManifest): void {
  if (looksLike === undefined) return;
  const [keys, expected] =
    looksLike === 'index'
      ? ['manifests', mediaTypes.ociIndex]
      : ['config or layers', `${mediaTypes.ociManifest}, or an artifactType in a manifest of that type`];
  throw refuse(
    'MANIFEST_INVALID',
    `The document has ${keys}, as ${looksLike === 'index' ? 'an index' : 'an image manifest'} has, but its type is ${quoteValue(mediaType)}. ` +
      `Push it with the Content-Type that it has by its structure: ${expected}.`,
  );
}
