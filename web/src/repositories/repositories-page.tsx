import { Button, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { IconPlus } from '../frame/icons.ts';
import { replaceFields } from '../frame/search.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { List } from '../shared/list-page.tsx';
import { Page } from '../shared/page.tsx';
import { When } from '../shared/when.tsx';
import { Freshness, FreshnessFragment } from './freshness.tsx';
import { NewMirror } from './new-mirror.tsx';
import { nameColumn, tagsColumn, versionColumn } from './repository-columns.tsx';

const Repositories = graphql(
  `
    query Repositories($name: String, $freshness: Freshness, $first: Int!, $after: String) {
      repositories(first: $first, after: $after, name: $name, freshness: $freshness) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          id
          name
          updatedAt
          lastSyncedAt
          remote {
            id
            url
            upstreamName
          }
          latestVersion {
            id
            number
            contentSummary {
              present {
                tags
              }
            }
          }
          ...Freshness
        }
      }
    }
  `,
  [FreshnessFragment],
);

type Repository = ResultOf<typeof Repositories>['repositories']['nodes'][number];

const columns: readonly Column<Repository>[] = [
  nameColumn,
  { header: 'State', width: '118px', cell: (repository) => <Freshness repository={repository} /> },
  versionColumn,
  tagsColumn,
  {
    header: 'From',
    width: 'minmax(180px, 2fr)',
    cell: ({ remote }) =>
      remote === null ? 'pushes' : `${remote.url.replace(/^https?:\/\//, '')}/${remote.upstreamName}`,
  },
  { header: 'Last synced', width: '110px', cell: ({ lastSyncedAt }) => <When at={lastSyncedAt} /> },
];

const states = [
  { value: 'FRESH', label: 'fresh' },
  { value: 'LATE', label: 'late' },
  { value: 'FAILING', label: 'failing' },
  { value: 'SYNCING', label: 'syncing' },
  { value: 'UNSCHEDULED', label: 'no schedule' },
];
const route = getRouteApi('/repositories/');

export function RepositoriesPage() {
  const { name, freshness, new: creating } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const pattern = name === undefined ? null : /[*?[]/.test(name) ? name : `*${name}*`;
  const pages = usePages(
    Repositories,
    { first: 100, name: pattern, freshness: freshness ?? null },
    (data) => data.repositories,
  );
  const change = (fields: { name?: string | undefined; freshness?: string | undefined }) =>
    void navigate({ search: (before) => replaceFields(before, fields), replace: true });
  const filtered = name !== undefined || freshness !== undefined;
  const create = may('MAINTAINER') ? (
    <Button leftSection={<IconPlus size={16} />} onClick={() => void navigate({ search: { new: 'mirror' } })}>
      New mirror
    </Button>
  ) : null;
  const none = pages.total === 0;
  return (
    <Page
      title="Repositories"
      subtitle={
        pages.total === undefined ? ' ' : `${pages.total.toLocaleString()}${filtered ? ' match' : ' in all'}`
      }
      actions={none ? null : create}
    >
      {none && !filtered ? null : <Filters name={name} freshness={freshness} onChange={change} />}
      <List
        label="Repositories"
        pages={pages}
        columns={columns}
        keyOf={({ id }) => id}
        onOpen={(row) => void navigate({ to: '/repositories/$', params: { _splat: row.name } })}
        height="calc(100vh - 230px)"
        empty={
          filtered ? (
            <Empty title="No repository matches">
              The filter matches whole names: <code>mirror/*</code> finds all below mirror/.
            </Empty>
          ) : (
            <Empty title="No repository yet" action={create}>
              A repository is a series of immutable versions of images. Mirror one from another registry, or
              push one with docker to this server.
            </Empty>
          )
        }
      />
      <NewMirror
        opened={creating === 'mirror'}
        onClose={() => void navigate({ search: {}, replace: true })}
      />
    </Page>
  );
}

interface FilterProps {
  readonly name: string | undefined;
  readonly freshness: string | undefined;
  readonly onChange: (fields: { name?: string | undefined; freshness?: string | undefined }) => void;
}

function Filters({ name, freshness, onChange }: FilterProps) {
  const search = useDebouncedCallback((value: string) => onChange({ name: value }), 200);
  return (
    <Group mb="sm">
      <TextInput
        aria-label="Filter by name"
        placeholder="Filter by name, for example mirror/*"
        defaultValue={name ?? ''}
        onChange={(event) => search(event.currentTarget.value)}
        w={320}
      />
      <Select
        aria-label="Freshness"
        placeholder="Any freshness"
        clearable
        clearButtonProps={{ 'aria-label': 'Any freshness' }}
        data={states}
        value={freshness ?? null}
        onChange={(value) => onChange({ freshness: value ?? undefined })}
        w={170}
      />
    </Group>
  );
}
