import { Group, Text } from '@mantine/core';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { When } from '../shared/when.tsx';
import { Freshness, FreshnessFragment } from './freshness.tsx';

export const RepositoryLineFragment = graphql(
  `
    fragment RepositoryLine on Repository {
      lastSyncedAt
      lastSyncError {
        code
        message
      }
      remote {
        id
        url
        upstreamName
      }
      ...Freshness
    }
  `,
  [FreshnessFragment],
);

/** Where a repository comes from, and whether it is fresh; the reason when its last sync failed. */
export function RepositoryLine({
  repository,
}: {
  readonly repository: FragmentOf<typeof RepositoryLineFragment>;
}) {
  const data = readFragment(RepositoryLineFragment, repository);
  const { remote, lastSyncedAt, lastSyncError } = data;
  return (
    <>
      <Group gap={14} component="span">
        <span>
          {remote === null
            ? 'Filled by pushes'
            : `from ${remote.url.replace(/^https?:\/\//, '')}/${remote.upstreamName}`}
        </span>
        <Freshness repository={data} />
        {remote === null ? null : (
          <span>
            last success <When at={lastSyncedAt} />
          </span>
        )}
      </Group>
      {lastSyncError === null ? null : (
        <Text size="sm" c="var(--tone-bad)" mt={4} role="status">
          {lastSyncError.code}: {lastSyncError.message}
        </Text>
      )}
    </>
  );
}
