import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { DigestScalar } from '../scalars.ts';

export const SearchHitKindEnum = {
  REPOSITORY: 'REPOSITORY',
  TAG: 'TAG',
  DIGEST: 'DIGEST',
  TASK: 'TASK',
} as const;
export type SearchHitKind = keyof typeof SearchHitKindEnum;

registerEnumType(SearchHitKindEnum, {
  name: 'SearchHitKind',
  description: 'What a search has found.',
  valuesConfig: {
    REPOSITORY: { description: 'A repository whose name contains the text.' },
    TAG: { description: 'A tag of a latest version that begins with the text; one of each repository.' },
    DIGEST: {
      description:
        'A tag of a latest version whose manifest, or an entry of it, has a digest that begins with the text.',
    },
    TASK: { description: 'The task with this number.' },
  },
});

@ObjectType('SearchHit', { description: 'Something that a search has found.', simpleResolvers: true })
export class SearchHitType {
  /** Of the repository. */
  repositoryId!: number | undefined;

  /** Of the task. */
  taskId!: number | undefined;

  @Field(() => SearchHitKindEnum, { description: 'What was found.' })
  kind!: SearchHitKind;

  @Field(() => String, { nullable: true, description: 'The tag; null for repositories and tasks.' })
  tag!: string | null;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'The digest of the tag, or the one that was searched for; null for repositories and tasks.',
  })
  digest!: string | null;
}
