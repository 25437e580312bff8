import { Group, Text } from '@mantine/core';
import { useQuery } from 'urql';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql } from '../graphql/graphql.ts';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { ChangedTags } from './changed-tags.tsx';
import type { Compared } from './changed-tags.tsx';
import classes from './versions.module.css';

const DiffQuery = graphql(`
  query Diff($from: ID!, $to: ID!) {
    versionDiff(from: $from, to: $to) {
      tagsAdded
      tagsMoved
      tagsRemoved
      bytesAdded
      bytesRemoved
      manifestsAdded
      manifestsRemoved
      blobsAdded
      blobsRemoved
      signaturesAdded
      signaturesRemoved
    }
  }
`);

interface Props {
  readonly from: string;
  readonly to: string;
  /** The repository and the numbers of the versions, where tags that have moved lead to the difference of their images. */
  readonly compared?: Compared;
}

/** The difference between two versions by id: counts, bytes, and the three lists of tags. */
export function VersionDiff({ from, to, compared }: Props) {
  const [{ data, error }] = useQuery({ query: DiffQuery, variables: { from, to } });
  const diff = data?.versionDiff;
  if (error !== undefined) return <Problem error={error} />;
  if (diff === undefined) return <RowsSkeleton rows={4} />;
  if (diff === null) return <Text c="dimmed">One of the versions no longer exists.</Text>;
  const none = diff.tagsAdded + diff.tagsMoved + diff.tagsRemoved === 0;
  return (
    <>
      <Group gap="lg" mb="sm">
        <Text size="sm">
          <b>{formatBytes(diff.bytesAdded)}</b> come, <b>{formatBytes(diff.bytesRemoved)}</b> go
        </Text>
        <Text size="sm" c="dimmed">
          manifests +{diff.manifestsAdded} −{diff.manifestsRemoved} · blobs +{diff.blobsAdded} −
          {diff.blobsRemoved}
          {diff.signaturesAdded + diff.signaturesRemoved > 0
            ? ` · signatures +${diff.signaturesAdded} −${diff.signaturesRemoved}`
            : ''}
        </Text>
      </Group>
      {none ? <Text c="dimmed">No tag differs.</Text> : null}
      <div className={classes.columns}>
        {diff.tagsAdded > 0 ? (
          <ChangedTags from={from} to={to} change="ADDED" count={diff.tagsAdded} />
        ) : null}
        {diff.tagsMoved > 0 ? (
          <ChangedTags from={from} to={to} change="MOVED" count={diff.tagsMoved} compared={compared} />
        ) : null}
        {diff.tagsRemoved > 0 ? (
          <ChangedTags from={from} to={to} change="REMOVED" count={diff.tagsRemoved} />
        ) : null}
      </div>
    </>
  );
}
