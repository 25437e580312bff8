import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Repository } from '../../../db/schema/repositories.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';
import { UserError } from '../user-error.type.ts';

@ObjectType('Repository', {
  implements: NodeType,
  description: 'A named container repository of this server: a row of immutable versions.',
  simpleResolvers: true,
})
export class RepositoryType extends NodeType {
  row!: Repository;

  @Field(() => String, { description: 'OCI repository name, 1 to 255 characters, unique.' })
  name!: string;

  @Field(() => String, { nullable: true, description: 'For people.' })
  description!: string | null;

  @Field(() => DateTime, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When it was last changed, by a new version too.' })
  updatedAt!: Date;

  @Field(() => Boolean, {
    description:
      'True once any sync that was no dry run has completed. From then on its content changes by syncs only; ' +
      'restoring a version always works.',
  })
  isMirrored!: boolean;

  @Field(() => Int, { nullable: true, description: 'How many versions are kept; null: all.' })
  retainVersions!: number | null;
}

export function toRepositoryType(row: Repository): RepositoryType {
  const { name, description, createdAt, updatedAt, isMirrored, retainVersions } = row;
  return Object.assign(new RepositoryType(), {
    id: toGlobalId('Repository', row.id),
    row,
    name,
    createdAt,
    updatedAt,
    isMirrored,
    description: description ?? null,
    retainVersions: retainVersions ?? null,
  });
}

export const RepositoryConnection = connectionType(RepositoryType, 'Repository');

/** Settings that create and update have in common. */
@InputType()
abstract class RepositorySettings {
  @Field(() => String, { nullable: true, description: 'For people; up to 10,000 characters.' })
  description?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'The remote that repositorySync uses when it is given none.',
  })
  remoteId?: string | null;

  @Field(() => Int, { nullable: true, description: 'How many versions are kept, at least 1; null: all.' })
  retainVersions?: number | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}

@InputType('RepositoryCreateInput', { description: 'A new repository.' })
export class RepositoryCreateInput extends RepositorySettings {
  @Field(() => String, {
    description:
      'OCI repository name, 1 to 255 characters: lower-case letters and digits, joined by . _ __ - and /.',
  })
  name!: string;
}

@InputType('RepositoryUpdateInput', { description: 'Changes of a repository. Omitted: kept. null: cleared.' })
export class RepositoryUpdateInput extends RepositorySettings {
  @Field(() => ID, { description: 'The repository.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'A new name, as for repositoryCreate; it cannot be cleared.',
  })
  name?: string | null;
}

@InputType('RepositoryDeleteInput', { description: 'A repository to delete, with all its versions.' })
export class RepositoryDeleteInput {
  @Field(() => ID, { description: 'The repository.' })
  id!: string;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      "Also delete the repository's remote. Refused with IN_USE where another repository, a schedule or a task uses the remote.",
  })
  deleteRemote?: boolean | null;
}

@InputType('RepositoryDetachInput', { description: 'A mirror to turn into an ordinary repository.' })
export class RepositoryDetachInput {
  @Field(() => ID, { description: 'The repository.' })
  id!: string;
}

@ObjectType('RepositoryPayload', {
  description: 'What a mutation made of a repository.',
  simpleResolvers: true,
})
export class RepositoryPayload {
  @Field(() => RepositoryType, {
    nullable: true,
    description: 'The repository as it is now; null where there were mistakes.',
  })
  repository!: RepositoryType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
