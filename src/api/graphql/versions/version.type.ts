import { Field, Int, ObjectType } from 'type-graphql';
import type { ContentCounts, RepositoryVersion, VersionCounts } from '../../../db/schema/versions.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';

@ObjectType('ContentCounts', { description: 'How many of each kind of content.', simpleResolvers: true })
export class ContentCountsType {
  @Field(() => Int, { description: 'Blobs: configs and layers, each digest once.' })
  blobs!: number;

  @Field(() => Int, { description: 'Manifests and indexes, each digest once.' })
  manifests!: number;

  @Field(() => Int, { description: 'Tags.' })
  tags!: number;

  @Field(() => Int, { description: 'Signatures: atomic ones and signature manifests.' })
  signatures!: number;
}

@ObjectType('ContentSummary', {
  description:
    'What a version contains, and how it differs from the one before. A moved tag counts once in removed and once in added.',
  simpleResolvers: true,
})
export class ContentSummaryType {
  @Field(() => ContentCountsType, { description: 'What is in the version.' })
  present!: ContentCounts;

  @Field(() => ContentCountsType, { description: 'What the version before it has not.' })
  added!: ContentCounts;

  @Field(() => ContentCountsType, { description: 'What only the version before it has.' })
  removed!: ContentCounts;
}

@ObjectType('RepositoryVersion', {
  implements: NodeType,
  description: "A repository's content at one time. It never changes.",
  simpleResolvers: true,
})
export class RepositoryVersionType extends NodeType {
  row!: RepositoryVersion;

  @Field(() => Int, { description: '1, 2, 3 … inside its repository; never used again.' })
  number!: number;

  @Field(() => DateTime, { description: 'When it was committed.' })
  createdAt!: Date;

  @Field(() => ContentSummaryType, { description: 'Counts of its content and of its changes.' })
  contentSummary!: VersionCounts;
}

export function toRepositoryVersionType(row: RepositoryVersion): RepositoryVersionType {
  return Object.assign(new RepositoryVersionType(), {
    id: toGlobalId('RepositoryVersion', row.repositoryId, row.number),
    row,
    number: row.number,
    createdAt: row.createdAt,
    contentSummary: row.counts,
  });
}

export const RepositoryVersionConnection = connectionType(RepositoryVersionType, 'RepositoryVersion');
