import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { RepositoryVersion } from '../../../db/schema/versions.ts';
import type { TagHistoryRow } from '../../../db/reads/read-tag-history.ts';
import { connectionType } from '../connection.ts';
import { DigestScalar } from '../scalars.ts';
import { RepositoryVersionType, toRepositoryVersionType } from './version.type.ts';

export const TagOutcomeKind = { ADDED: 'ADDED', MOVED: 'MOVED', REMOVED: 'REMOVED' } as const;

registerEnumType(TagOutcomeKind, {
  name: 'TagOutcomeKind',
  description: 'Changes of a tag.',
  valuesConfig: {
    ADDED: { description: 'The version added the tag.' },
    MOVED: { description: 'The version moved the tag to another manifest.' },
    REMOVED: { description: 'The version removed the tag.' },
  },
});

@ObjectType('TagHistoryEntry', {
  description: 'A version that added, moved or removed a tag.',
  simpleResolvers: true,
})
export class TagHistoryEntry {
  @Field(() => RepositoryVersionType, { description: 'The version; its `task` tells what created it.' })
  version!: RepositoryVersionType;

  @Field(() => TagOutcomeKind, { description: 'The change of the tag.' })
  outcome!: keyof typeof TagOutcomeKind;

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
