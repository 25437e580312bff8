import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import { BlobType, ManifestType, TagType, toBlobType, toManifestType } from './content.type.ts';
import { TidemarkError } from '../../oci/error.ts';
import { documentBytesMax } from './context.ts';
import type { RequestContext } from './context.ts';
import { ByteCount } from './scalars.ts';

@Resolver(() => TagType)
export class TagResolver {
  @FieldResolver(() => ManifestType, { description: 'The manifest that it names.' })
  async manifest(@Root() { row }: TagType, @Ctx() { loaders }: RequestContext): Promise<ManifestType> {
    const manifest = await loaders.manifests.load(row.manifestId);
    if (manifest === undefined) throw new Error(`the manifest ${row.digest} of a tag is not stored`);
    return toManifestType(manifest);
  }
}

@Resolver(() => ManifestType)
export class ManifestResolver {
  @FieldResolver(() => ByteCount, {
    description: 'The document with every blob below it, each counted once.',
  })
  async totalSizeBytes(@Root() { row }: ManifestType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return loaders.totalSizes.load(row.id);
  }

  @FieldResolver(() => [ManifestType], {
    description: 'The children of an index that are stored, in its order.',
  })
  async manifests(
    @Root() { row }: ManifestType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<ManifestType[]> {
    return (await loaders.children.load(row.id)).map(toManifestType);
  }

  @FieldResolver(() => [BlobType], { description: 'Its config first, then its layers in order.' })
  async blobs(@Root() { row }: ManifestType, @Ctx() { loaders }: RequestContext): Promise<BlobType[]> {
    return (await loaders.manifestBlobs.load(row.id)).map(toBlobType);
  }

  @FieldResolver(() => String, {
    description: 'The exact document. One answer holds at most 16 MiB of them.',
  })
  async raw(@Root() { row }: ManifestType, @Ctx() context: RequestContext): Promise<string> {
    context.documentBytesLeft -= row.sizeBytes ?? 0;
    if (context.documentBytesLeft < 0)
      throw new TidemarkError(
        'QUERY_TOO_COMPLEX',
        `The documents asked for in raw have more than ${documentBytesMax} bytes together. Ask for a smaller page.`,
        { origin: 'caller' },
      );
    const document = await context.loaders.documents.load(row.id);
    if (document === undefined) throw new Error(`the document of ${row.digest} is not stored`);
    return Buffer.from(document).toString();
  }
}
