import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { TaskTagRow } from '../../../db/reads/read-plans.ts';
import { tagOutcomes } from '../../../selection/tag-outcome.ts';
import type { TagOutcome } from '../../../selection/tag-outcome.ts';
import { connectionType } from '../connection.ts';
import { DigestScalar } from '../scalars.ts';

export const TagOutcomeKind = Object.fromEntries(tagOutcomes.map((outcome) => [outcome, outcome])) as {
  readonly [Outcome in TagOutcome]: Outcome;
};

registerEnumType(TagOutcomeKind, {
  name: 'TagOutcomeKind',
  description:
    'What a sync or a version did with a tag. A tag that is not taken stays as the repository has it.',
  valuesConfig: {
    ADDED: { description: 'The tag was added.' },
    MOVED: { description: 'The tag was moved to another manifest.' },
    UNCHANGED: { description: 'The tag was up to date.' },
    REMOVED: { description: 'The tag was removed.' },
    FILTERED: { description: 'The rules of the remote exclude the tag.' },
    BEYOND_NEWEST: { description: 'Newer tags take its place (`newestTags`).' },
    TOO_YOUNG: { description: 'The digest was not seen for long enough.' },
    NOT_VERIFIED: { description: 'No trusted signature verifies the tag.' },
    NO_PLATFORM: { description: 'The image has none of the platforms of the remote.' },
    FAILED: { description: 'The upstream could not deliver the content of the tag (`tagFailures`).' },
  },
});

@ObjectType('TagOutcome', { description: 'What a sync did with a tag.', simpleResolvers: true })
export class TagOutcomeType {
  @Field(() => String, { description: 'Name of the tag, or a digest that includeTags names.' })
  name!: string;

  @Field(() => TagOutcomeKind, { description: 'What the sync did.' })
  outcome!: TagOutcome;

  @Field(() => String, { nullable: true, description: 'Why the tag was not taken; null otherwise.' })
  reason!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest of the tag before the sync; null: the tag was absent.',
  })
  oldDigest!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest of the tag at the upstream; null: absent or unknown.',
  })
  newDigest!: string | null;
}

export function toTagOutcome({ name, outcome, reason, oldDigest, newDigest }: TaskTagRow): TagOutcomeType {
  return Object.assign(new TagOutcomeType(), { name, outcome, reason, oldDigest, newDigest });
}

export const TagOutcomeConnection = connectionType(TagOutcomeType, 'TagOutcome');

@ObjectType('TagOutcomeCount', { description: 'How many tags have an outcome.', simpleResolvers: true })
export class TagOutcomeCount {
  @Field(() => TagOutcomeKind, { description: 'The outcome.' })
  outcome!: TagOutcome;

  @Field(() => Int, { description: 'The number of tags.' })
  count!: number;
}
