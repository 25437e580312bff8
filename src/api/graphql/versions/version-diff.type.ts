import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { TagDifference, VersionDiffCounts, VersionPair } from '../../../db/reads/read-version-diff.ts';
import { connectionType } from '../connection.ts';
import { ByteCount, DigestScalar } from '../scalars.ts';

export const TagChangeEnum = { ADDED: 'ADDED', MOVED: 'MOVED', REMOVED: 'REMOVED' } as const;

registerEnumType(TagChangeEnum, {
  name: 'TagChange',
  description: 'How a tag differs between two versions.',
  valuesConfig: {
    ADDED: { description: 'Only the `to` version has the tag.' },
    MOVED: { description: 'Both versions have the tag, for different manifests.' },
    REMOVED: { description: 'Only the `from` version has the tag.' },
  },
});

@ObjectType('TagDifference', {
  description: 'A tag that differs between two versions.',
  simpleResolvers: true,
})
export class TagDifferenceType {
  @Field(() => String, { description: 'Name of the tag.' })
  name!: string;

  @Field(() => TagChangeEnum, { description: 'How the tag differs.' })
  change!: keyof typeof TagChangeEnum;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest in the `from` version; null when that version lacks the tag.',
  })
  oldDigest!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest in the `to` version; null when that version lacks the tag.',
  })
  newDigest!: string | null;
}

export function toTagDifferenceType(row: TagDifference): TagDifferenceType {
  const { name, change, oldDigest, newDigest } = row;
  return Object.assign(new TagDifferenceType(), { name, change, oldDigest, newDigest });
}

export const TagDifferenceConnection = connectionType(TagDifferenceType, 'TagDifference');

@ObjectType('VersionDiff', {
  description: 'The difference between two versions: the changes that lead from `from` to `to`.',
  simpleResolvers: true,
})
export class VersionDiffType {
  pair!: VersionPair;
  counts!: VersionDiffCounts;

  @Field(() => Int, { description: 'Tags that only the `to` version has.' })
  tagsAdded!: number;

  @Field(() => Int, { description: 'Tags that both versions have, for different manifests.' })
  tagsMoved!: number;

  @Field(() => Int, { description: 'Tags that only the `from` version has.' })
  tagsRemoved!: number;

  @Field(() => Int, { description: 'Manifests and indexes that only the `to` version has.' })
  manifestsAdded!: number;

  @Field(() => Int, { description: 'Manifests and indexes that only the `from` version has.' })
  manifestsRemoved!: number;

  @Field(() => Int, { description: 'Blobs that only the `to` version has.' })
  blobsAdded!: number;

  @Field(() => Int, { description: 'Blobs that only the `from` version has.' })
  blobsRemoved!: number;

  @Field(() => Int, { description: 'Signatures that only the `to` version has.' })
  signaturesAdded!: number;

  @Field(() => Int, { description: 'Signatures that only the `from` version has.' })
  signaturesRemoved!: number;

  @Field(() => ByteCount, { description: 'Bytes of the added manifests and stored blobs.' })
  bytesAdded!: number;

  @Field(() => ByteCount, { description: 'Bytes of the removed manifests and stored blobs.' })
  bytesRemoved!: number;
}

export function toVersionDiffType(pair: VersionPair, counts: VersionDiffCounts): VersionDiffType {
  return Object.assign(new VersionDiffType(), counts, { pair, counts });
}
