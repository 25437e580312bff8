import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Distribution } from '../../../db/schema/distributions.ts';
import type { DistributionMoveRow } from '../../../db/reads/read-distributions.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';
import { UserError } from '../user-error.type.ts';

const pullThroughDescription =
  'Whether a tag or digest that is not there is looked for at the remote of the repository, and kept as a new version; layers are fetched ' +
  'when a client asks for them, and kept unless the remote is STREAMED. Under a signature policy, what signs it is fetched too, and nothing that ' +
  'is not verified is kept. Not with a pinned version.';

@ObjectType('Distribution', {
  implements: NodeType,
  description:
    'What is served where: clients pull from its base path. Each repository has one at its own name from the start.',
  simpleResolvers: true,
})
export class DistributionType extends NodeType {
  row!: Distribution;

  @Field(() => String, {
    description: 'OCI repository name, unique: what clients pull from, after the host.',
  })
  basePath!: string;

  @Field(() => Boolean, {
    description:
      'Whether only those with the role reader may pull from it; else anybody may, without a login too.',
  })
  private!: boolean;

  @Field(() => Boolean, {
    description:
      'Whether somebody has said who may pull from it. False for one that was made while logins were off, without `private`: it is private ' +
      'while logins are on, until distributionUpdate sets `private`.',
  })
  accessDecided!: boolean;

  @Field(() => Boolean, { description: pullThroughDescription })
  pullThrough!: boolean;

  @Field(() => DateTime, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When it was last changed or moved.' })
  updatedAt!: Date;
}

export function toDistributionType(row: Distribution): DistributionType {
  const { id, basePath, isPrivate, isDecided, pullThrough, createdAt, updatedAt } = row;
  return Object.assign(new DistributionType(), {
    id: toGlobalId('Distribution', id),
    row,
    basePath,
    private: isPrivate,
    accessDecided: isDecided,
    pullThrough,
    createdAt,
    updatedAt,
  });
}

export const DistributionConnection = connectionType(DistributionType, 'Distribution');

@ObjectType('DistributionMove', {
  description: 'That a distribution was pointed somewhere else: a promotion or a rollback.',
  simpleResolvers: true,
})
export class DistributionMoveType {
  row!: DistributionMoveRow;

  @Field(() => DateTime, { description: 'When.' })
  movedAt!: Date;

  @Field(() => Int, {
    nullable: true,
    description: 'Number of the version that was pinned before; null: it followed the latest.',
  })
  fromVersionNumber!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Number of the version that was pinned from then on; null: it followed the latest.',
  })
  toVersionNumber!: number | null;
}

export function toDistributionMoveType(row: DistributionMoveRow): DistributionMoveType {
  return Object.assign(new DistributionMoveType(), {
    row,
    movedAt: row.movedAt,
    fromVersionNumber: row.fromVersion,
    toVersionNumber: row.toVersion,
  });
}

export const DistributionMoveConnection = connectionType(DistributionMoveType, 'DistributionMove');

const versionIdDescription = 'The version to serve; give it or repositoryId.';
const repositoryIdDescription =
  'The repository of which to serve the latest version, following it; give it or versionId.';
const privateDescription =
  'Whether only those with the role reader may pull from it; else anybody may, without a login too.';

@InputType('DistributionCreateInput', { description: 'A new distribution.' })
export class DistributionCreateInput {
  @Field(() => String, {
    description:
      'OCI repository name, 1 to 255 characters: lower-case letters and digits, joined by . _ __ - and /.',
  })
  basePath!: string;

  @Field(() => ID, { nullable: true, description: repositoryIdDescription })
  repositoryId?: string | null;

  @Field(() => ID, { nullable: true, description: versionIdDescription })
  versionId?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: `${privateDescription} Default: true where logins are on; false where they are off, until they are turned on (accessDecided).`,
  })
  private?: boolean | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: pullThroughDescription })
  pullThrough?: boolean | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}

@InputType('DistributionUpdateInput', {
  description: 'Changes of a distribution. Omitted: kept. What it serves is changed by distributionPoint.',
})
export class DistributionUpdateInput {
  @Field(() => ID, { description: 'The distribution.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description:
      "A new base path, as for distributionCreate; it cannot be cleared. Not of a repository's own.",
  })
  basePath?: string | null;

  @Field(() => Boolean, { nullable: true, description: `${privateDescription} It cannot be cleared.` })
  private?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: `${pullThroughDescription} It cannot be cleared.` })
  pullThrough?: boolean | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}

@InputType('DistributionDeleteInput', { description: 'A distribution to delete; what it serves stays.' })
export class DistributionDeleteInput {
  @Field(() => ID, { description: 'The distribution.' })
  id!: string;
}

@InputType('DistributionPointInput', { description: 'What a distribution is to serve from now on.' })
export class DistributionPointInput {
  @Field(() => ID, { description: 'The distribution.' })
  id!: string;

  @Field(() => ID, { nullable: true, description: versionIdDescription })
  versionId?: string | null;

  @Field(() => ID, { nullable: true, description: repositoryIdDescription })
  repositoryId?: string | null;
}

@ObjectType('DistributionPayload', {
  description: 'What a mutation made of a distribution.',
  simpleResolvers: true,
})
export class DistributionPayload {
  @Field(() => DistributionType, {
    nullable: true,
    description: 'The distribution as it is now; null where there were mistakes.',
  })
  distribution!: DistributionType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
