import { Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { formatClock } from '../../../src/cli/progress/format.ts';
import { replaceFields } from '../frame/search.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { List } from '../shared/list-page.tsx';
import { Page } from '../shared/page.tsx';
import { titles } from './task-title.ts';
import { taskColumns } from './task-columns.tsx';

const Tasks = graphql(`
  query Tasks($state: TaskState, $repository: String, $names: [String!], $first: Int!, $after: String) {
    tasks(first: $first, after: $after, state: $state, repository: $repository, names: $names) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        state
        dryRun
        repositoryName
        rule {
          id
          name
        }
        createdAt
        startedAt
        finishedAt
        error {
          code
          message
        }
        createdVersion {
          id
          number
        }
      }
    }
  }
`);

type Task = ResultOf<typeof Tasks>['tasks']['nodes'][number];

const columns: readonly Column<Task>[] = [
  ...taskColumns('minmax(200px, 2fr)'),
  {
    header: 'Duration',
    width: '74px',
    align: 'right',
    cell: ({ startedAt, finishedAt }) =>
      startedAt === null || finishedAt === null
        ? '–'
        : formatClock((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000),
  },
  {
    header: 'Result',
    width: 'minmax(180px, 2fr)',
    cell: ({ error, createdVersion, state, rule }) =>
      error !== null ? (
        <span title={error.message}>
          {error.code}: {error.message}
        </span>
      ) : createdVersion !== null ? (
        `version ${createdVersion.number}`
      ) : state === 'COMPLETED' && rule === null ? (
        'nothing changed'
      ) : (
        ''
      ),
  },
];

const states = ['WAITING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'].map((value) => ({
  value,
  label: value.toLowerCase(),
}));
const kinds = Object.entries(titles).map(([value, label]) => ({ value, label }));
const route = getRouteApi('/tasks');

export function TasksPage() {
  const { state, repository, kind } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(
    Tasks,
    {
      first: 100,
      state: state ?? null,
      repository: repository ?? null,
      names: kind === undefined ? null : [kind],
    },
    (data) => data.tasks,
  );
  const change = (fields: Record<string, string | undefined>) =>
    void navigate({ search: (before) => replaceFields(before, fields), replace: true });
  const filtered = (state ?? repository ?? kind) !== undefined;
  return (
    <Page
      title="Tasks"
      subtitle={
        pages.total === undefined ? ' ' : `${pages.total.toLocaleString()}${filtered ? ' match' : ' in all'}`
      }
    >
      <Filters state={state} kind={kind} repository={repository} onChange={change} />
      <List
        label="Tasks"
        pages={pages}
        columns={columns}
        keyOf={({ id }) => id}
        onOpen={(row) => void navigate({ to: '/tasks/$id', params: { id: row.id } })}
        height="calc(100vh - 230px)"
        empty={
          <Empty title={filtered ? 'No task matches' : 'No task yet'}>
            {filtered
              ? 'Clear the filters to see all tasks.'
              : 'Syncs, clean-ups and verifications are tasks. Start one from a repository.'}
          </Empty>
        }
      />
    </Page>
  );
}

interface FilterProps {
  readonly state: string | undefined;
  readonly kind: string | undefined;
  readonly repository: string | undefined;
  readonly onChange: (fields: Record<string, string | undefined>) => void;
}

function Filters({ state, kind, repository, onChange }: FilterProps) {
  const type = useDebouncedCallback((value: string) => onChange({ repository: value }), 250);
  return (
    <Group mb="sm">
      <Select
        aria-label="State"
        placeholder="Any state"
        clearable
        clearButtonProps={{ 'aria-label': 'Any state' }}
        data={states}
        value={state ?? null}
        onChange={(value) => onChange({ state: value ?? undefined })}
        w={160}
      />
      <Select
        aria-label="Kind"
        placeholder="Any kind"
        clearable
        clearButtonProps={{ 'aria-label': 'Any kind' }}
        data={kinds}
        value={kind ?? null}
        onChange={(value) => onChange({ kind: value ?? undefined })}
        w={160}
      />
      <TextInput
        aria-label="Repository"
        placeholder="Repository"
        defaultValue={repository ?? ''}
        onChange={(event) => type(event.currentTarget.value)}
        w={260}
      />
    </Group>
  );
}
