import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import {
  BlobType,
  ManifestType,
  SignatureType,
  TagType,
  toBlobType,
  toManifestType,
  toSignatureType,
} from './content.type.ts';
import { ManifestDescriptorType, toManifestDescriptorType } from './manifest-descriptor.type.ts';
import { takeDocumentBytes } from './document-budget.ts';
import type { RequestContext } from '../context.ts';
import { isStorableText } from '../page-arguments.ts';
import { ByteCount } from '../scalars.ts';

@Resolver(() => TagType)
export class TagResolver {
  @FieldResolver(() => ManifestType, { description: 'The tagged manifest.' })
  async manifest(
    @Root() { row, version }: TagType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<ManifestType> {
    const manifest = await loaders.manifests.load(row.manifestId);
    if (manifest === undefined) throw new Error(`the manifest ${row.digest} of a tag is not stored`);
    return toManifestType(manifest, version);
  }
}

@Resolver(() => ManifestType)
export class ManifestResolver {
  @FieldResolver(() => ByteCount, {
    description: 'Size of the document and of every blob below it, each counted once.',
  })
  async totalSizeBytes(
    @Root() { row, version }: ManifestType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<number> {
    return loaders.totalSizes.load({ id: row.id, version });
  }

  @FieldResolver(() => [ManifestType], {
    description:
      'The stored children of an index, in its order. Below a version: those that the version has.',
  })
  async manifests(
    @Root() { row, version }: ManifestType,
    @Ctx() context: RequestContext,
  ): Promise<ManifestType[]> {
    const children = await context.unpaged.take(await context.loaders.children.load({ id: row.id, version }));
    return children.map((child) => toManifestType(child, version));
  }

  @FieldResolver(() => [ManifestDescriptorType], {
    description: 'The manifests that an index lists, in its order, with those that are absent.',
  })
  async children(
    @Root() { row, version }: ManifestType,
    @Ctx() context: RequestContext,
  ): Promise<ManifestDescriptorType[]> {
    const rows = await context.loaders.descriptors.load({ id: row.id, version });
    return (await context.unpaged.take(rows)).map(toManifestDescriptorType);
  }

  @FieldResolver(() => Int, { description: 'How many of the manifests that an index lists are stored.' })
  async presentChildren(
    @Root() { row, version }: ManifestType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<number> {
    return (await loaders.childCounts.load({ id: row.id, version })).present;
  }

  @FieldResolver(() => Int, {
    description:
      'How many of the manifests that an index lists are absent: by the platforms of the remote, or because the upstream lacks them. Lost ' +
      'ones are not counted.',
  })
  async absentChildren(
    @Root() { row, version }: ManifestType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<number> {
    return (await loaders.childCounts.load({ id: row.id, version })).absent;
  }

  @FieldResolver(() => [SignatureType], {
    description:
      'Signatures of this manifest, at most 1,000. Below a version: those of that version; elsewhere: all stored ones. ' +
      '`RepositoryVersion.signatures` pages through all.',
  })
  async signatures(
    @Root() { digest, version }: ManifestType,
    @Ctx() context: RequestContext,
  ): Promise<SignatureType[]> {
    const rows = await context.loaders.manifestSignatures.load({ digest, version });
    return (await context.unpaged.take(rows)).map((row) => toSignatureType(row, version));
  }

  @FieldResolver(() => [ManifestType], {
    description:
      'Manifests that name this one as their subject: signatures, SBOMs and attestations; at most 1,000. Below a version: those of that ' +
      'version; elsewhere: all stored ones.',
  })
  async referrers(
    @Root() { digest, version }: ManifestType,
    @Arg('artifactType', () => String, {
      nullable: true,
      description: 'Only referrers of this artifact type; null: all.',
    })
    artifactType: string | null | undefined,
    @Ctx() context: RequestContext,
  ): Promise<ManifestType[]> {
    const page = artifactType ?? null;
    if (page !== null && !isStorableText(page)) return [];
    const rows = await context.loaders.manifestReferrers.load({ parent: { digest, version }, page });
    return (await context.unpaged.take(rows)).map((row) => toManifestType(row, version));
  }

  @FieldResolver(() => [BlobType], { description: 'The config, then the layers in order.' })
  async blobs(@Root() { row }: ManifestType, @Ctx() context: RequestContext): Promise<BlobType[]> {
    const blobs = await context.unpaged.take(await context.loaders.manifestBlobs.load(row.id));
    return blobs.map(toBlobType);
  }

  @FieldResolver(() => String, {
    description: 'The exact document. One response contains at most 16 MiB of documents.',
  })
  async raw(@Root() { row }: ManifestType, @Ctx() context: RequestContext): Promise<string> {
    takeDocumentBytes(context, row.sizeBytes ?? 0);
    const document = await context.loaders.documents.load(row.id);
    if (document === undefined) throw new Error(`the document of ${row.digest} is not stored`);
    return Buffer.from(document).toString();
  }
}

@Resolver(() => SignatureType)
export class SignatureResolver {
  @FieldResolver(() => ManifestType, { description: 'The signed manifest.' })
  async manifest(
    @Root() { row, version }: SignatureType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<ManifestType> {
    const manifest = await loaders.manifests.load(row.signedId);
    if (manifest === undefined)
      throw new Error(`the manifest ${row.signedDigest} of a signature is not stored`);
    return toManifestType(manifest, version);
  }
}
