import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { When } from '../shared/when.tsx';
import { ChangeCounts } from '../versions/change-counts.tsx';
import { describeChange } from '../versions/describe-change.ts';
import classes from './overview.module.css';

const Changes = graphql(`
  query ChangesToday {
    estate {
      recentVersions(first: 20) {
        id
        number
        createdAt
        repository {
          id
          name
        }
        contentSummary {
          added {
            tags
          }
          removed {
            tags
          }
        }
        added: tags(first: 20, change: ADDED) {
          nodes {
            id
            name
          }
        }
        removed: tags(first: 20, change: REMOVED) {
          nodes {
            id
            name
          }
        }
      }
    }
  }
`);

const DAY_MS = 86_400_000;

/** The newest versions of all repositories. */
export function ChangesToday() {
  const [{ data, error }] = useQuery({ query: Changes });
  if (error !== undefined) return <Problem error={error} />;
  if (data === undefined) return <RowsSkeleton rows={3} height={24} />;
  const changes = data.estate.recentVersions.filter(
    ({ createdAt }) => Date.parse(createdAt) > Date.now() - DAY_MS,
  );
  if (changes.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Nothing has changed.
      </Text>
    );
  return (
    <ul className={classes.rows}>
      {changes.map((version) => {
        const change = describeChange(version);
        const repositoryName = version.repository.name;
        const names = [
          ...change.moved.names.map((name) => `${name} moved`),
          ...change.added.names,
          ...change.removed.names.map((name) => `${name} removed`),
        ];
        return (
          <li key={version.id} className={classes.changed}>
            <span className={classes.aside}>
              <When at={version.createdAt} />
            </span>
            <Link to="/repositories/$" params={{ _splat: repositoryName }} className={classes.strong}>
              {repositoryName}
            </Link>
            <Link
              to="/repositories/$"
              params={{ _splat: repositoryName }}
              search={{ tab: 'diff', from: Math.max(1, version.number - 1), to: version.number }}
            >
              v{version.number}
            </Link>
            <ChangeCounts change={change} />
            <span className={classes.reason} title={names.join(', ')}>
              {names.slice(0, 4).join(', ')}
              {names.length > 4 ? ` and ${names.length - 4} more` : ''}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
