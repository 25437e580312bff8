import { Button, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { Digest } from '../shared/digest.tsx';
import { Problem } from '../shared/problem.tsx';
import classes from './versions.module.css';

const ChangedTagsQuery = graphql(`
  query ChangedTags($from: ID!, $to: ID!, $change: TagChange!, $first: Int!, $after: String) {
    versionDiff(from: $from, to: $to) {
      tags(first: $first, after: $after, change: $change) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          name
          oldDigest
          newDigest
        }
      }
    }
  }
`);

export interface Compared {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

interface Props {
  readonly from: string;
  readonly to: string;
  readonly change: 'ADDED' | 'MOVED' | 'REMOVED';
  readonly count: number;
  readonly compared?: Compared | undefined;
}

const words = { ADDED: 'added', MOVED: 'moved', REMOVED: 'removed' } as const;

/** The tags of one kind of change, with their digests before and after. */
export function ChangedTags({ from, to, change, count, compared }: Props) {
  const pages = usePages(
    ChangedTagsQuery,
    { from, to, change, first: 100 },
    (data) => data.versionDiff?.tags,
  );
  const word = words[change];
  return (
    <section aria-label={`${count} ${word}`}>
      <Text size="sm" fw={600} mb={6}>
        <span className={classes.kind} data-kind={word}>
          {word}
        </span>
        {count.toLocaleString()}
      </Text>
      <Problem error={pages.error} onRetry={pages.reload} />
      <div className={classes.list} role="list" tabIndex={0} aria-label={`Tags ${word}`}>
        {pages.rows.map(({ name, oldDigest, newDigest }) => (
          <div key={name} className={classes.change} role="listitem">
            <span>
              {compared === undefined ? (
                name
              ) : (
                <Link
                  to="/repositories/$"
                  params={{ _splat: compared.name }}
                  search={{ tab: 'diff', from: compared.from, to: compared.to, tag: name }}
                >
                  {name}
                </Link>
              )}
            </span>
            <span>
              {change === 'ADDED' ? null : <Digest value={oldDigest} />}
              {change === 'MOVED' ? <span className={classes.arrow}>→</span> : null}
              {change === 'REMOVED' ? null : <Digest value={newDigest} />}
            </span>
          </div>
        ))}
      </div>
      {pages.rows.length < count && pages.rows.length > 0 ? (
        <Button variant="subtle" size="compact-sm" mt={6} onClick={pages.more} loading={pages.loading}>
          Show more ({(count - pages.rows.length).toLocaleString()})
        </Button>
      ) : null}
    </section>
  );
}
