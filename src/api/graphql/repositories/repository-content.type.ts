import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { RepositoryType } from './repository.type.ts';
import { UserError } from '../user-error.type.ts';
import { RepositoryVersionType } from '../versions/version.type.ts';

const tagDescription = 'A tag: a letter, digit or _, then up to 127 letters, digits, _ . or -.';

@InputType('RepositoryTagInput', { description: 'A tag to give to a manifest.' })
export class RepositoryTagInput {
  @Field(() => ID, { description: 'The repository.' })
  repositoryId!: string;

  @Field(() => String, { description: tagDescription })
  tag!: string;

  @Field(() => String, { description: 'The digest of a manifest of its latest version.' })
  digest!: string;
}

@InputType('RepositoryUntagInput', { description: 'A tag to take away.' })
export class RepositoryUntagInput {
  @Field(() => ID, { description: 'The repository.' })
  repositoryId!: string;

  @Field(() => String, { description: 'A tag of its latest version.' })
  tag!: string;
}

@InputType('RepositoryCopyContentInput', { description: 'Content to copy into a repository.' })
export class RepositoryCopyContentInput {
  @Field(() => ID, { description: 'The repository that gets the content.' })
  repositoryId!: string;

  @Field(() => ID, { description: 'The version to copy from; of any repository, mirrors too.' })
  sourceVersionId!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags of that version, at most 1,000; null: all its tags and untagged manifests.',
  })
  tags?: string[] | null;
}

@InputType('RepositoryRemoveContentInput', { description: 'Content to remove from a repository.' })
export class RepositoryRemoveContentInput {
  @Field(() => ID, { description: 'The repository.' })
  repositoryId!: string;

  @Field(() => [String], { nullable: true, description: 'Tags of its latest version, at most 1,000.' })
  tags?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Digests of manifests of its latest version, at most 1,000; their tags go with them.',
  })
  digests?: string[] | null;
}

@InputType('RepositoryRestoreVersionInput', {
  description: 'A version whose content is to be the latest again.',
})
export class RepositoryRestoreVersionInput {
  @Field(() => ID, { description: 'The version; of the repository that is to have its content again.' })
  versionId!: string;
}

@ObjectType('RepositoryContentPayload', {
  description: "What a mutation made of a repository's content.",
  simpleResolvers: true,
})
export class RepositoryContentPayload {
  @Field(() => RepositoryVersionType, {
    nullable: true,
    description: 'The new version; null when nothing had changed, or where there were mistakes.',
  })
  version!: RepositoryVersionType | null;

  @Field(() => RepositoryType, {
    nullable: true,
    description: 'The repository as it is now; null where there were mistakes.',
  })
  repository!: RepositoryType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
