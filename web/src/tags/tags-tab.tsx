import { Group, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { DataTable } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { VersionSelect } from '../versions/version-select.tsx';
import { TagCellsFragment, tagColumns } from './tag-columns.tsx';
import { TagPanel } from './tag-panel.tsx';
import classes from './tags.module.css';

const Tags = graphql(
  `
    query Tags($name: String!, $version: Int!, $filter: String, $first: Int!, $after: String) {
      repository(name: $name) {
        id
        version(number: $version) {
          id
          tags(first: $first, after: $after, name: $filter) {
            totalCount
            pageInfo {
              endCursor
              hasNextPage
            }
            nodes {
              id
              name
              ...TagCells
            }
          }
        }
      }
    }
  `,
  [TagCellsFragment],
);

interface Props {
  readonly name: string;
  readonly latest: number | undefined;
}

const route = getRouteApi('/repositories/$');

/** The tags of a version; a row opens its manifest beside the list. */
export function TagsTab({ name, latest }: Props) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const version = search.version ?? latest ?? 1;
  const { filter = '', tag } = search;
  const pattern = filter === '' ? null : /[*?[]/.test(filter) ? filter : `*${filter}*`;
  const pages = usePages(
    Tags,
    { name, version, filter: pattern, first: 100 },
    (data) => data.repository?.version?.tags,
  );
  const change = (fields: Partial<typeof search>, replace = false) =>
    void navigate({ search: (before) => ({ ...before, tab: 'tags' as const, ...fields }), replace });
  if (latest === undefined) return <Empty title="No tags yet">Tags come with the first sync or push.</Empty>;
  return (
    <div className={classes.split} data-open={tag !== undefined || undefined}>
      <div className={classes.list}>
        <Filters name={name} version={version} filter={filter} total={pages.total} onChange={change} />
        <Problem error={pages.error} onRetry={pages.reload} />
        {pages.total === undefined && pages.error === undefined ? <RowsSkeleton rows={8} /> : null}
        {pages.total === 0 ? (
          <Empty title={filter === '' ? 'This version has no tags' : `No tag matches "${filter}"`}>
            {filter === ''
              ? 'Its images can be pulled by digest.'
              : 'The filter finds parts of names, and takes the wildcards * ? [abc].'}
          </Empty>
        ) : null}
        {pages.rows.length > 0 ? (
          <DataTable
            label="Tags"
            columns={tagColumns}
            rows={pages.rows}
            keyOf={(row) => row.name}
            selected={tag}
            onOpen={(row) =>
              change({ tag: row.name === tag ? undefined : row.name } as Partial<typeof search>)
            }
            onEnd={pages.more}
            height="calc(100vh - 300px)"
          />
        ) : null}
      </div>
      {tag === undefined ? null : (
        <TagPanel
          name={name}
          version={version}
          tag={tag}
          onClose={() =>
            void navigate({ search: { tab: 'tags', version, ...(filter === '' ? {} : { filter }) } })
          }
        />
      )}
    </div>
  );
}

interface FilterProps {
  readonly name: string;
  readonly version: number;
  readonly filter: string;
  readonly total: number | undefined;
  readonly onChange: (
    fields: { readonly version?: number; readonly filter?: string },
    replace?: boolean,
  ) => void;
}

function Filters({ name, version, filter, total, onChange }: FilterProps) {
  const type = useDebouncedCallback((value: string) => onChange({ filter: value }, true), 150);
  return (
    <Group mb="sm" align="flex-end" gap="sm">
      <VersionSelect
        name={name}
        label="Version"
        value={version}
        onChange={(number) => onChange({ version: number })}
      />
      <TextInput
        label="Filter"
        placeholder="1.27 or *-alpine"
        defaultValue={filter}
        onChange={(event) => type(event.currentTarget.value)}
        className={classes.filter}
      />
      <Text size="sm" c="dimmed" pb={8} role="status">
        {total === undefined ? '' : `${total.toLocaleString()} tags`}
      </Text>
    </Group>
  );
}
