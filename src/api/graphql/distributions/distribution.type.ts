import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Distribution } from '../../../db/schema/distributions.ts';
import type { DistributionMoveRow } from '../../../db/reads/read-distributions.ts';
import { connectionType } from '../connection.ts';
import { defaultNotFoundSeconds } from '../../../operations/distributions.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';
import { Payload } from '../payload.type.ts';

const pullThroughDescription =
  'Whether unknown tags and digests are fetched from the remote of the repository and stored as a new version. Layers are fetched at the ' +
  'first pull, and stored unless the remote is STREAMED. Under a signature policy, signatures are fetched too, and only verified images ' +
  'are stored. Cannot be combined with a pinned version.';
const tagTtlDescription =
  'With pullThrough, how long a tag is served without a question to the upstream, in seconds: 0 to 31,536,000. After that, the next pull of the ' +
  'tag asks the upstream, and a tag that has moved is stored as a new version. If the upstream does not answer within a second, the stored ' +
  'tag is served with the header `Warning: 110`. Null: a stored tag is moved by syncs only.';
const notFoundTtlDescription =
  "With pullThrough, how long the upstream's answer that it lacks a tag or digest is remembered, in seconds: 0 to 86,400. 0: not at all.";

@ObjectType('Distribution', {
  implements: NodeType,
  description:
    'A base path that serves a repository to clients. Every repository has a distribution at its own name.',
  simpleResolvers: true,
})
export class DistributionType extends NodeType {
  row!: Distribution;

  @Field(() => String, {
    description: 'Unique path after the host in the names that clients pull: an OCI repository name.',
  })
  basePath!: string;

  @Field(() => Boolean, {
    description:
      'Whether pulls need the role reader for the base path. False: anybody may pull, without a login.',
  })
  private!: boolean;

  @Field(() => Boolean, {
    description:
      'Whether `private` was set explicitly. False for a distribution that was created without `private` while logins were off: it is private ' +
      'while logins are on, until distributionUpdate sets `private`.',
  })
  accessDecided!: boolean;

  @Field(() => Boolean, { description: pullThroughDescription })
  pullThrough!: boolean;

  @Field(() => Int, { nullable: true, description: tagTtlDescription })
  tagTtlSeconds!: number | null;

  @Field(() => Int, { description: notFoundTtlDescription })
  notFoundTtlSeconds!: number;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change or move.' })
  updatedAt!: Date;
}

export function toDistributionType(row: Distribution): DistributionType {
  const { id, basePath, isPrivate, isDecided, pullThrough, notFoundTtlSeconds, createdAt, updatedAt } = row;
  return Object.assign(new DistributionType(), {
    id: toGlobalId('Distribution', id),
    row,
    basePath,
    private: isPrivate,
    accessDecided: isDecided,
    pullThrough,
    tagTtlSeconds: row.tagTtlSeconds ?? null,
    notFoundTtlSeconds,
    createdAt,
    updatedAt,
  });
}

export const DistributionConnection = connectionType(DistributionType, 'Distribution');

@ObjectType('DistributionMove', {
  description: "A change of a distribution's target: a promotion or a rollback.",
  simpleResolvers: true,
})
export class DistributionMoveType {
  row!: DistributionMoveRow;

  @Field(() => DateTime, { description: 'Time of the change.' })
  movedAt!: Date;

  @Field(() => Int, {
    nullable: true,
    description: 'Number of the previously pinned version; null: the distribution followed the latest.',
  })
  fromVersionNumber!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Number of the newly pinned version; null: the distribution follows the latest since.',
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

const versionIdDescription = 'The version to pin. Exactly one of versionId and repositoryId is required.';
const repositoryIdDescription =
  'The repository whose latest version to follow. Exactly one of repositoryId and versionId is required.';
const privateDescription =
  'Whether pulls need the role reader for the base path. False: anybody may pull, without a login.';

/** The fields of a new distribution but those that name something else. */
@InputType()
export abstract class NewDistributionSettings {
  @Field(() => String, {
    description:
      'OCI repository name, 1 to 255 characters: lower-case letters and digits, joined by . _ __ - and /.',
  })
  basePath!: string;

  @Field(() => Boolean, {
    nullable: true,
    description: `${privateDescription} Default: true when logins are on. When they are off, false until they are turned on (accessDecided).`,
  })
  private?: boolean | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: pullThroughDescription })
  pullThrough?: boolean | null;

  @Field(() => Int, { nullable: true, description: tagTtlDescription })
  tagTtlSeconds?: number | null;

  @Field(() => Int, {
    nullable: true,
    defaultValue: defaultNotFoundSeconds,
    description: notFoundTtlDescription,
  })
  notFoundTtlSeconds?: number | null;
}

@InputType('DistributionCreateInput', { description: 'A new distribution.' })
export class DistributionCreateInput extends NewDistributionSettings {
  @Field(() => ID, { nullable: true, description: repositoryIdDescription })
  repositoryId?: string | null;

  @Field(() => ID, { nullable: true, description: versionIdDescription })
  versionId?: string | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}

@InputType('DistributionUpdateInput', {
  description:
    'Changes to a distribution. Omitted fields are kept. Use distributionPoint to change the target.',
})
export class DistributionUpdateInput {
  @Field(() => ID, { description: 'The distribution.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description:
      "The new base path, as for distributionCreate. It cannot be cleared. The distribution at a repository's own name cannot be renamed.",
  })
  basePath?: string | null;

  @Field(() => Boolean, { nullable: true, description: `${privateDescription} It cannot be cleared.` })
  private?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: `${pullThroughDescription} It cannot be cleared.` })
  pullThrough?: boolean | null;

  @Field(() => Int, { nullable: true, description: tagTtlDescription })
  tagTtlSeconds?: number | null;

  @Field(() => Int, { nullable: true, description: `${notFoundTtlDescription} It cannot be cleared.` })
  notFoundTtlSeconds?: number | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}

@InputType('DistributionDeleteInput', { description: 'The distribution to delete. The content stays.' })
export class DistributionDeleteInput {
  @Field(() => ID, { description: 'The distribution.' })
  id!: string;
}

@InputType('DistributionPointInput', { description: 'The new target of a distribution.' })
export class DistributionPointInput {
  @Field(() => ID, { description: 'The distribution.' })
  id!: string;

  @Field(() => ID, { nullable: true, description: versionIdDescription })
  versionId?: string | null;

  @Field(() => ID, { nullable: true, description: repositoryIdDescription })
  repositoryId?: string | null;
}

@ObjectType('DistributionPayload', {
  description: 'The result of a distribution mutation.',
  simpleResolvers: true,
})
export class DistributionPayload extends Payload {
  @Field(() => DistributionType, {
    nullable: true,
    description: 'The distribution after the change; null on error.',
  })
  distribution!: DistributionType | null;
}
