import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Repository } from '../../../db/schema/repositories.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';
import { Payload } from '../payload.type.ts';

@ObjectType('Repository', {
  implements: NodeType,
  description: 'A container repository of this server: a series of immutable versions.',
  simpleResolvers: true,
})
export class RepositoryType extends NodeType {
  row!: Repository;

  @Field(() => String, { description: 'Unique OCI repository name, 1 to 255 characters.' })
  name!: string;

  @Field(() => String, { nullable: true, description: 'Free text; null: none.' })
  description!: string | null;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change, including new versions.' })
  updatedAt!: Date;

  @Field(() => Boolean, {
    description:
      'Whether the repository is a mirror: a sync other than a dry run has completed. Only syncs and restores change the content of a mirror.',
  })
  isMirrored!: boolean;

  @Field(() => Int, { nullable: true, description: 'Number of versions to keep; null: all.' })
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

/** The field `name` of a new repository. */
export function RepositoryNameField() {
  return Field(() => String, {
    description:
      'OCI repository name, 1 to 255 characters: lower-case letters and digits, joined by . _ __ - and /.',
  });
}

/** The fields that create and update share, but those that name something else. */
@InputType()
export abstract class RepositoryPlainSettings {
  @Field(() => String, { nullable: true, description: 'Free text, up to 10,000 characters; null: none.' })
  description?: string | null;

  @Field(() => Int, { nullable: true, description: 'Number of versions to keep, at least 1; null: all.' })
  retainVersions?: number | null;
}

@InputType()
abstract class RepositorySettings extends RepositoryPlainSettings {
  @Field(() => ID, {
    nullable: true,
    description: 'The default remote of repositorySync; null: none.',
  })
  remoteId?: string | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}

@InputType('RepositoryCreateInput', { description: 'A new repository.' })
export class RepositoryCreateInput extends RepositorySettings {
  @RepositoryNameField()
  name!: string;
}

@InputType('RepositoryUpdateInput', {
  description: 'Changes to a repository. Omitted fields are kept; null clears a field.',
})
export class RepositoryUpdateInput extends RepositorySettings {
  @Field(() => ID, { description: 'The repository.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The new name, as for repositoryCreate. It cannot be cleared.',
  })
  name?: string | null;
}

@InputType('RepositoryDeleteInput', { description: 'The repository to delete, with all its versions.' })
export class RepositoryDeleteInput {
  @Field(() => ID, { description: 'The repository.' })
  id!: string;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      "Delete the repository's remote too. Refused with IN_USE while another repository, a schedule or a task uses the remote.",
  })
  deleteRemote?: boolean | null;
}

@InputType('RepositoryDetachInput', { description: 'The mirror to turn into an ordinary repository.' })
export class RepositoryDetachInput {
  @Field(() => ID, { description: 'The repository.' })
  id!: string;
}

@ObjectType('RepositoryPayload', {
  description: 'The result of a repository mutation.',
  simpleResolvers: true,
})
export class RepositoryPayload extends Payload {
  @Field(() => RepositoryType, {
    nullable: true,
    description: 'The repository after the change; null on error.',
  })
  repository!: RepositoryType | null;
}
