import type { FastifyReply } from 'fastify';
import { pushContent } from '../../../db/versions/push-content.ts';
import { findPushTarget } from '../../../db/versions/push-target.ts';
import { unlinkBlob } from '../../../db/content/uploads.ts';
import type { Digest } from '../../../oci/digest.ts';
import { quoteValue } from '../../../oci/error.ts';
import { refuse } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import { pushCaller } from '../served-version.ts';
import type { ManifestReference } from '../parse-path.ts';

interface ManifestPath {
  readonly name: string;
  readonly reference: ManifestReference;
}

/** distribution-spec, "Deleting tags", "Deleting Manifests": from the latest version; earlier versions keep it. */
export async function deleteManifestOrTag(
  exchange: Exchange,
  { name, reference }: ManifestPath,
): Promise<FastifyReply> {
  const { em, reply } = exchange;
  await pushContent(
    em,
    { basePath: name, caller: pushCaller(exchange, 'delete') },
    'tag' in reference
      ? { kind: 'deleteTag', tag: reference.tag }
      : { kind: 'deleteManifest', digest: reference.digest },
  );
  return reply.code(202).send();
}

/** distribution-spec, "Deleting Blobs": only uploaded blobs that no manifest refers to. */
export async function deleteBlob(
  exchange: Exchange,
  { name, digest }: { readonly name: string; readonly digest: Digest },
): Promise<FastifyReply> {
  const { em, reply } = exchange;
  const { repositoryId } = await findPushTarget(em, name, pushCaller(exchange, 'delete'));
  const found = await unlinkBlob(em, { repositoryId, digest });
  if (found === 'removed') return reply.code(202).send();
  if (found === 'unknown')
    throw refuse('BLOB_UNKNOWN', `The repository ${quoteValue(name)} does not have the blob ${digest}.`);
  reply.header('allow', 'GET, HEAD');
  throw refuse(
    'UNSUPPORTED',
    `A manifest refers to the blob ${digest}. Delete all manifests that refer to it instead.`,
  );
}
