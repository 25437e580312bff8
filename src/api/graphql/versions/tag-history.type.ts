import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { RepositoryVersion } from '../../../db/schema/versions.ts';
import type { TagHistoryRow } from '../../../db/reads/read-tag-history.ts';
import { connectionType } from '../connection.ts';
import { DigestScalar } from '../scalars.ts';
import { RepositoryVersionType, toRepositoryVersionType } from './version.type.ts';

export const TagOutcomeKind = { ADDED: 'ADDED', MOVED: 'MOVED', REMOVED: 'REMOVED' } as const;

registerEnumType(TagOutcomeKind, {
  name: 'TagOutcomeKind',
  description: 'What became of a tag.',
  valuesConfig: {
    ADDED: { description: 'The repository got the tag.' },
    MOVED: { description: 'The tag names another manifest.' },
    REMOVED: { description: 'The repository lost the tag.' },
  },
});

@ObjectType('TagHistoryEntry', {
  description: 'A version that added, moved or removed a tag.',
  simpleResolvers: true,
})
export class TagHistoryEntry {
  @Field(() => RepositoryVersionType, { description: 'The version; its task says what made it.' })
  version!: RepositoryVersionType;

  @Field(() => TagOutcomeKind, { description: 'What the version did to the tag.' })
  outcome!: keyof typeof TagOutcomeKind;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'What the tag named before; null: it was absent.',
  })
  oldDigest!: string | null;

  @Field(() => DigestScalar, { nullable: true, description: 'What the tag names since; null: it is absent.' })
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
