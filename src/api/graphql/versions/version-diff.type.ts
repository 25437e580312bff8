import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { TagDifference, VersionDiffCounts, VersionPair } from '../../../db/reads/read-version-diff.ts';
import { connectionType } from '../connection.ts';
import { ByteCount, DigestScalar } from '../scalars.ts';

export const TagChangeEnum = { ADDED: 'ADDED', MOVED: 'MOVED', REMOVED: 'REMOVED' } as const;

registerEnumType(TagChangeEnum, {
  name: 'TagChange',
  description: 'How a tag differs between two versions.',
  valuesConfig: {
    ADDED: { description: 'Only the version compared to has it.' },
    MOVED: { description: 'Both have it, for different manifests.' },
    REMOVED: { description: 'Only the version compared from has it.' },
  },
});

@ObjectType('TagDifference', {
  description: 'A tag that differs between two versions.',
  simpleResolvers: true,
})
export class TagDifferenceType {
  @Field(() => String, { description: 'The tag.' })
  name!: string;

  @Field(() => TagChangeEnum, { description: 'How it differs.' })
  change!: keyof typeof TagChangeEnum;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'What it names in the version compared from; null where that has not the tag.',
  })
  oldDigest!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'What it names in the version compared to; null where that has not the tag.',
  })
  newDigest!: string | null;
}

export function toTagDifferenceType(row: TagDifference): TagDifferenceType {
  const { name, change, oldDigest, newDigest } = row;
  return Object.assign(new TagDifferenceType(), { name, change, oldDigest, newDigest });
}

export const TagDifferenceConnection = connectionType(TagDifferenceType, 'TagDifference');

@ObjectType('VersionDiff', {
  description: 'What has to be added to and removed from one version to have the other.',
  simpleResolvers: true,
})
export class VersionDiffType {
  pair!: VersionPair;
  counts!: VersionDiffCounts;

  @Field(() => Int, { description: 'Tags that only the version compared to has.' })
  tagsAdded!: number;

  @Field(() => Int, { description: 'Tags that both have, for different manifests.' })
  tagsMoved!: number;

  @Field(() => Int, { description: 'Tags that only the version compared from has.' })
  tagsRemoved!: number;

  @Field(() => Int, { description: 'Manifests and indexes that only the version compared to has.' })
  manifestsAdded!: number;

  @Field(() => Int, { description: 'Manifests and indexes that only the version compared from has.' })
  manifestsRemoved!: number;

  @Field(() => Int, { description: 'Blobs that only the version compared to has.' })
  blobsAdded!: number;

  @Field(() => Int, { description: 'Blobs that only the version compared from has.' })
  blobsRemoved!: number;

  @Field(() => Int, { description: 'Signatures that only the version compared to has.' })
  signaturesAdded!: number;

  @Field(() => Int, { description: 'Signatures that only the version compared from has.' })
  signaturesRemoved!: number;

  @Field(() => ByteCount, { description: 'Bytes of the manifests and stored blobs added.' })
  bytesAdded!: number;

  @Field(() => ByteCount, { description: 'Bytes of the manifests and stored blobs removed.' })
  bytesRemoved!: number;
}

export function toVersionDiffType(pair: VersionPair, counts: VersionDiffCounts): VersionDiffType {
  return Object.assign(new VersionDiffType(), counts, { pair, counts });
}
