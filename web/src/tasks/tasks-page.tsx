import { Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Link, getRouteApi } from '@tanstack/react-router';
import { formatClock } from '../../../src/cli/progress/format.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { DataTable } from '../shared/data-table.tsx';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { Page } from '../shared/page.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { When } from '../shared/when.tsx';
import { TaskState } from './task-state.tsx';
import { taskTitle } from './task-title.ts';

const Tasks = graphql(`
  query Tasks($state: TaskState, $repository: String, $first: Int!, $after: String) {
    tasks(first: $first, after: $after, state: $state, repository: $repository) {
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
  {
    header: 'Task',
    width: 'minmax(200px, 2fr)',
    cell: (task) => (
      <Link to="/tasks/$id" params={{ id: task.id }}>
        {taskTitle(task)}
      </Link>
    ),
  },
  { header: 'State', width: '110px', cell: ({ state }) => <TaskState state={state} /> },
  { header: 'Requested', width: '110px', cell: ({ createdAt }) => <When at={createdAt} /> },
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
    cell: ({ error, createdVersion, state }) =>
      error !== null ? (
        <span title={error.message}>
          {error.code}: {error.message}
        </span>
      ) : createdVersion !== null ? (
        `version ${createdVersion.number}`
      ) : state === 'COMPLETED' ? (
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
const route = getRouteApi('/tasks');

export function TasksPage() {
  const { state, repository } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(
    Tasks,
    { first: 100, state: state ?? null, repository: repository ?? null },
    (data) => data.tasks,
  );
  const change = (fields: Record<string, string | undefined>) =>
    void navigate({
      search: (before) =>
        Object.fromEntries(Object.entries({ ...before, ...fields }).filter(([, value]) => value)),
      replace: true,
    });
  const type = useDebouncedCallback((value: string) => change({ repository: value }), 250);
  const filtered = state !== undefined || repository !== undefined;
  return (
    <Page
      title="Tasks"
      subtitle={
        pages.total === undefined ? ' ' : `${pages.total.toLocaleString()}${filtered ? ' match' : ' in all'}`
      }
    >
      <Group mb="sm">
        <Select
          aria-label="State"
          placeholder="Any state"
          clearable
          clearButtonProps={{ 'aria-label': 'Any state' }}
          data={states}
          value={state ?? null}
          onChange={(value) => change({ state: value ?? undefined })}
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
      <Problem error={pages.error} onRetry={pages.reload} />
      {pages.total === undefined && pages.error === undefined ? <RowsSkeleton rows={8} /> : null}
      {pages.total === 0 ? (
        <Empty title={filtered ? 'No task matches' : 'No task yet'}>
          {filtered
            ? 'Clear the filters to see all tasks.'
            : 'Syncs, clean-ups and verifications are tasks. Start one from a repository.'}
        </Empty>
      ) : null}
      {pages.rows.length > 0 ? (
        <DataTable
          label="Tasks"
          columns={columns}
          rows={pages.rows}
          keyOf={({ id }) => id}
          onOpen={(row) => void navigate({ to: '/tasks/$id', params: { id: row.id } })}
          onEnd={pages.more}
          height="calc(100vh - 230px)"
        />
      ) : null}
    </Page>
  );
}
