import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { PlanRow, TaskTagRow } from '../../../db/reads/read-plans.ts';
import { connectionType } from '../connection.ts';
import { ByteCount, DigestScalar } from '../scalars.ts';

export const PlannedChangeEnum = { ADDED: 'ADDED', MOVED: 'MOVED', REMOVED: 'REMOVED' } as const;
export type PlannedChange = keyof typeof PlannedChangeEnum;

registerEnumType(PlannedChangeEnum, {
  name: 'PlannedChange',
  description: 'A change that a sync would make to a tag.',
  valuesConfig: {
    ADDED: { description: 'The tag would be added.' },
    MOVED: { description: 'The tag would move to another manifest.' },
    REMOVED: { description: 'The tag would be removed; mirror syncs only.' },
  },
});

@ObjectType('PlannedTag', { description: 'A change that a sync would make to a tag.', simpleResolvers: true })
export class PlannedTag {
  @Field(() => String, { description: 'Name of the tag.' })
  name!: string;

  @Field(() => PlannedChangeEnum, { description: 'The change.' })
  change!: PlannedChange;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Current digest; null when the tag would be added.',
  })
  oldDigest!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'New digest; null when the tag would be removed.',
  })
  newDigest!: string | null;
}

export function toPlannedTag({ name, outcome: change, oldDigest, newDigest }: TaskTagRow): PlannedTag {
  return Object.assign(new PlannedTag(), { name, change, oldDigest, newDigest });
}

export const PlannedTagConnection = connectionType(PlannedTag, 'PlannedTag');

@ObjectType('SyncPlan', { description: 'The changes that a dry run found.', simpleResolvers: true })
export class SyncPlan {
  row!: PlanRow;

  @Field(() => Int, { description: 'Number of tags to add.' })
  tagsAdded!: number;

  @Field(() => Int, { description: 'Number of tags to move.' })
  tagsMoved!: number;

  @Field(() => Int, { description: 'Number of tags to remove.' })
  tagsRemoved!: number;

  @Field(() => Int, { description: 'Number of blobs to fetch.' })
  blobsToFetch!: number;

  @Field(() => ByteCount, { description: 'Bytes of those blobs, as declared by the manifests.' })
  bytesToFetch!: number;
}

export function toSyncPlan(row: PlanRow): SyncPlan {
  const { tagsAdded, tagsMoved, tagsRemoved, blobsToFetch, bytesToFetch } = row;
  return Object.assign(new SyncPlan(), {
    row,
    tagsAdded,
    tagsMoved,
    tagsRemoved,
    blobsToFetch,
    bytesToFetch,
  });
}
