import { Button, Group } from '@mantine/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { Digest } from '../shared/digest.tsx';
import { Empty } from '../shared/empty.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import type { Tone } from '../shared/state-mark.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import { When } from '../shared/when.tsx';
import { TagSelect } from './tag-select.tsx';
import classes from './tags.module.css';

const History = graphql(`
  query History($name: String!, $tag: String!, $first: Int!, $after: String) {
    repository(name: $name) {
      id
      tagHistory(name: $tag, first: $first, after: $after) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          outcome
          oldDigest
          newDigest
          version {
            id
            number
            createdAt
            task {
              id
              name
            }
          }
        }
      }
    }
  }
`);

const tones: Record<string, Tone> = { ADDED: 'good', MOVED: 'late', REMOVED: 'bad' };
const route = getRouteApi('/repositories/$');

/** When a tag came, moved and went. */
export function HistoryTab({ name }: { readonly name: string }) {
  const { tag = 'latest' } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(History, { name, tag, first: 50 }, (data) => data.repository?.tagHistory);
  return (
    <>
      <Group mb="md">
        <TagSelect
          name={name}
          value={tag}
          onChange={(value) => void navigate({ search: { tab: 'history', tag: value } })}
        />
      </Group>
      <Problem error={pages.error} onRetry={pages.reload} />
      {pages.total === undefined && pages.error === undefined ? <RowsSkeleton rows={4} /> : null}
      {pages.total === 0 ? (
        <Empty title={`The repository never had the tag "${tag}"`}>Choose another tag above.</Empty>
      ) : null}
      {pages.rows.length > 0 ? (
        <ol className={classes.entries} aria-label={`History of ${tag}`}>
          {pages.rows.map((entry) => (
            <Entry key={entry.version.id} name={name} tag={tag} entry={entry} />
          ))}
        </ol>
      ) : null}
      {pages.total !== undefined && pages.rows.length < pages.total ? (
        <Button mt="sm" variant="default" onClick={pages.more} loading={pages.loading}>
          Show older
        </Button>
      ) : null}
    </>
  );
}

interface EntryProps {
  readonly name: string;
  readonly tag: string;
  readonly entry: NonNullable<ResultOf<typeof History>['repository']>['tagHistory']['nodes'][number];
}

function Entry({ name, tag, entry: { outcome, oldDigest, newDigest, version } }: EntryProps) {
  return (
    <li className={classes.entry}>
      <When at={version.createdAt} />
      <StateMark tone={tones[outcome] ?? 'rest'}>{outcome.toLowerCase()}</StateMark>
      <Link
        to="/repositories/$"
        params={{ _splat: name }}
        search={{ tab: 'tags', version: version.number, tag }}
      >
        v{version.number}
      </Link>
      <span>
        {outcome === 'ADDED' ? null : <Digest value={oldDigest} />}
        {outcome === 'MOVED' ? <span className={classes.arrow}>→</span> : null}
        {outcome === 'REMOVED' ? null : <Digest value={newDigest} />}
        {outcome === 'MOVED' ? (
          <Link
            className={classes.compare}
            to="/repositories/$"
            params={{ _splat: name }}
            search={{ tab: 'diff', from: version.number - 1, to: version.number, tag }}
          >
            compare
          </Link>
        ) : null}
      </span>
      {version.task === null ? (
        <span>by a push</span>
      ) : (
        <Link to="/tasks/$id" params={{ id: version.task.id }}>
          {version.task.name.replace('repository.', '')}
        </Link>
      )}
    </li>
  );
}
