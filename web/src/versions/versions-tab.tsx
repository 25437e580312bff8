import { Button } from '@mantine/core';
import { graphql } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { Empty } from '../shared/empty.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { VersionRow, VersionRowFragment } from './version-row.tsx';
import classes from './versions.module.css';

const Versions = graphql(
  `
    query Versions($name: String!, $first: Int!, $after: String) {
      repository(name: $name) {
        id
        versions(first: $first, after: $after) {
          totalCount
          pageInfo {
            endCursor
            hasNextPage
          }
          nodes {
            id
            ...VersionRow
          }
        }
      }
    }
  `,
  [VersionRowFragment],
);

/** The versions as a timeline, newest first. */
export function VersionsTab({ name }: { readonly name: string }) {
  const pages = usePages(Versions, { name, first: 20 }, (data) => data.repository?.versions);
  if (pages.error !== undefined) return <Problem error={pages.error} onRetry={pages.reload} />;
  if (pages.total === undefined) return <RowsSkeleton rows={5} height={46} />;
  if (pages.total === 0)
    return (
      <Empty title="No version yet">
        Each sync or push that changes something makes a version, which never changes again. Start with
        “Sync…”, or push an image.
      </Empty>
    );
  return (
    <>
      <ol className={classes.timeline}>
        {pages.rows.map((version, index) => (
          <VersionRow key={version.id} name={name} version={version} isLatest={index === 0} />
        ))}
      </ol>
      {pages.rows.length < pages.total ? (
        <Button variant="default" onClick={pages.more} loading={pages.loading}>
          Show older versions ({pages.total - pages.rows.length} more)
        </Button>
      ) : null}
    </>
  );
}
