import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { RepositoryType } from './repository.type.ts';
import { Payload } from '../payload.type.ts';
import { RepositoryVersionType } from '../versions/version.type.ts';

const tagDescription = 'Name of the tag: a letter, digit or _, then up to 127 letters, digits, _ . or -.';

@InputType('RepositoryTagInput', { description: 'A tag and the manifest to point it at.' })
export class RepositoryTagInput {
  @Field(() => ID, { description: 'The repository.' })
  repositoryId!: string;

  @Field(() => String, { description: tagDescription })
  tag!: string;

  @Field(() => String, { description: 'Digest of a manifest in the latest version.' })
  digest!: string;
}

@InputType('RepositoryUntagInput', { description: 'The tag to remove.' })
export class RepositoryUntagInput {
  @Field(() => ID, { description: 'The repository.' })
  repositoryId!: string;

  @Field(() => String, { description: 'Name of a tag in the latest version.' })
  tag!: string;
}

@InputType('RepositoryCopyContentInput', { description: 'Content to copy into a repository.' })
export class RepositoryCopyContentInput {
  @Field(() => ID, { description: 'The repository to copy into.' })
  repositoryId!: string;

  @Field(() => ID, { description: 'The version to copy from, of any repository, including mirrors.' })
  sourceVersionId!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags to copy, at most 1,000; null: all tags and untagged manifests of the version.',
  })
  tags?: string[] | null;
}

@InputType('RepositoryRemoveContentInput', { description: 'Content to remove from a repository.' })
export class RepositoryRemoveContentInput {
  @Field(() => ID, { description: 'The repository.' })
  repositoryId!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags in the latest version to remove with their manifests, at most 1,000; null: none.',
  })
  tags?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'Digests of manifests in the latest version to remove with their tags, at most 1,000; null: none.',
  })
  digests?: string[] | null;
}

@InputType('RepositoryRestoreVersionInput', {
  description: 'The version to restore.',
})
export class RepositoryRestoreVersionInput {
  @Field(() => ID, { description: 'The version to restore, in its own repository.' })
  versionId!: string;
}

@ObjectType('RepositoryContentPayload', {
  description: 'The result of a content mutation.',
  simpleResolvers: true,
})
export class RepositoryContentPayload extends Payload {
  @Field(() => RepositoryVersionType, {
    nullable: true,
    description: 'The new version; null when nothing changed, or on error.',
  })
  version!: RepositoryVersionType | null;

  @Field(() => RepositoryType, {
    nullable: true,
    description: 'The repository after the change; null on error.',
  })
  repository!: RepositoryType | null;
}
