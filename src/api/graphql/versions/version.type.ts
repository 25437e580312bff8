import { Field, Int, ObjectType } from 'type-graphql';
import type { ContentCounts, RepositoryVersion, VersionCounts } from '../../../db/schema/versions.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';

@ObjectType('ContentCounts', { description: 'Counts by kind of content.', simpleResolvers: true })
export class ContentCountsType {
  @Field(() => Int, { description: 'Blobs (configs and layers), each digest counted once.' })
  blobs!: number;

  @Field(() => Int, { description: 'Manifests and indexes, each digest counted once.' })
  manifests!: number;

  @Field(() => Int, { description: 'Tags.' })
  tags!: number;

  @Field(() => Int, { description: 'Signatures: simple-signing signatures and signature manifests.' })
  signatures!: number;
}

@ObjectType('ContentSummary', {
  description:
    'Content of a version, and its changes since the previous one. A moved tag counts once in removed and once in added.',
  simpleResolvers: true,
})
export class ContentSummaryType {
  @Field(() => ContentCountsType, { description: 'Content of the version.' })
  present!: ContentCounts;

  @Field(() => ContentCountsType, { description: 'Content that the previous version lacks.' })
  added!: ContentCounts;

  @Field(() => ContentCountsType, { description: 'Content that only the previous version has.' })
  removed!: ContentCounts;
}

@ObjectType('RepositoryVersion', {
  implements: NodeType,
  description: "An immutable snapshot of a repository's content.",
  simpleResolvers: true,
})
export class RepositoryVersionType extends NodeType {
  row!: RepositoryVersion;

  @Field(() => Int, {
    description: 'Number of the version: 1, 2, 3 … in its repository. Numbers are never reused.',
  })
  number!: number;

  @Field(() => DateTime, { description: 'Commit time.' })
  createdAt!: Date;

  @Field(() => ContentSummaryType, { description: 'Counts of the content and of the changes.' })
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
