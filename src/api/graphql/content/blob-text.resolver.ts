import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { BlobRow } from '../../../db/reads/read-content.ts';
import { parseDigest } from '../../../oci/digest.ts';
import { isTidemarkError } from '../../../oci/error.ts';
import type { RequestContext } from '../context.ts';
import { BlobType } from './content.type.ts';
import { takeDocumentBytes } from './document-budget.ts';

const textMaxBytes = 4 * 1024 * 1024;

/** Each read costs a request of the blob store, however small the blob. */
const leastCostBytes = 64 * 1024;

@Resolver(() => BlobType)
export class BlobTextResolver {
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'The content, e.g. of an image config, an SBOM or an attestation. Null when the bytes are not stored, have more than 4 MiB, or are not ' +
      'UTF-8. One response contains at most 16 MiB of documents; each text counts at least 64 KiB.',
  })
  async text(@Root() { row }: BlobType, @Ctx() context: RequestContext): Promise<string | null> {
    if (!row.isStored || row.sizeBytes > textMaxBytes) return null;
    takeDocumentBytes(context, Math.max(row.sizeBytes, leastCostBytes));
    const bytes = await readStored(context, row);
    try {
      return bytes === undefined ? null : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      if (error instanceof TypeError) return null;
      throw error;
    }
  }
}

/** Undefined if a clean-up has removed the blob meanwhile. */
async function readStored(
  { api, signal }: RequestContext,
  { digest, sizeBytes: size }: BlobRow,
): Promise<Buffer | undefined> {
  try {
    const key = { digest: parseDigest(digest), size, mediaType: 'application/octet-stream' };
    const { bytes } = await api.blobs.fetch(key, { signal });
    const chunks: Buffer[] = [];
    // A chunk is valid until the next one only.
    for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } catch (error) {
    if (isTidemarkError(error) && error.code === 'CONTENT_UNKNOWN') return undefined;
    throw error;
  }
}
