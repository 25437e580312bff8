import { Field, ObjectType } from 'type-graphql';
import type { RepositoryVersion } from '../../../db/schema/versions.ts';
import type { TagHistoryRow } from '../../../db/reads/tags/read-tag-history.ts';
import { connectionType } from '../connection.ts';
import { DigestScalar } from '../scalars.ts';
import { TagOutcomeKind } from '../tasks/tag-outcome.type.ts';
import { RepositoryVersionType, toRepositoryVersionType } from './version.type.ts';

@ObjectType('TagHistoryEntry', {
  description: 'A version that added, moved or removed a tag.',
  simpleResolvers: true,
})
export class TagHistoryEntry {
  @Field(() => RepositoryVersionType, { description: 'The version; its `task` tells what created it.' })
  version!: RepositoryVersionType;

  @Field(() => TagOutcomeKind, { description: 'ADDED, MOVED or REMOVED.' })
  outcome!: TagHistoryRow['outcome'];

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest of the tag before this version; null: the tag was absent.',
  })
  oldDigest!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest of the tag in this version; null: the tag is absent.',
  })
  newDigest!: string | null;
}

export function toTagHistoryEntry(row: TagHistoryRow, version: RepositoryVersion): TagHistoryEntry {
  const { outcome, oldDigest, newDigest } = row;
  return Object.assign(new TagHistoryEntry(), {
    version: toRepositoryVersionType(version),
    outcome,
    oldDigest,
    newDigest,
  });
}

export const TagHistoryConnection = connectionType(TagHistoryEntry, 'TagHistory');
