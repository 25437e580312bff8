import { Title } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useQuery } from 'urql';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { DataTable } from '../shared/data-table.tsx';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { taskColumns } from '../tasks/task-columns.tsx';

const UpkeepTasksQuery = graphql(`
  query UpkeepTasks {
    tasks(first: 30, names: ["content.collect", "content.verify"]) {
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
        report {
          blobs
          bytes
          manifests
          damaged
          missing
        }
      }
    }
  }
`);

type Task = ResultOf<typeof UpkeepTasksQuery>['tasks']['nodes'][number];

const columns: readonly Column<Task>[] = [
  ...taskColumns('minmax(160px, 1fr)'),
  {
    header: 'Result',
    width: 'minmax(220px, 2fr)',
    cell: ({ report }) =>
      report === null
        ? ''
        : `${report.manifests} manifests, ${report.blobs} blobs, ${formatBytes(report.bytes)}${report.damaged > 0 ? `, ${report.damaged} damaged` : ''}${report.missing > 0 ? `, ${report.missing} missing` : ''}`,
  },
];

/** The latest clean-ups and verifications. */
export function UpkeepTasks() {
  const navigate = useNavigate();
  const [{ data, error }] = useQuery({ query: UpkeepTasksQuery });
  const rows = data?.tasks.nodes ?? [];
  return (
    <>
      <Title order={2} size="h4" mb="xs">
        Latest
      </Title>
      <Problem error={error} />
      {data === undefined && error === undefined ? <RowsSkeleton rows={3} /> : null}
      {data !== undefined && rows.length === 0 ? (
        <Empty title="None lately">
          A clean-up runs by itself at TIDEMARK_GC_INTERVAL, every 24 hours by default.
        </Empty>
      ) : null}
      {rows.length > 0 ? (
        <DataTable
          label="Clean-ups and verifications"
          columns={columns}
          rows={rows}
          keyOf={({ id }) => id}
          onOpen={(row) => void navigate({ to: '/tasks/$id', params: { id: row.id } })}
        />
      ) : null}
    </>
  );
}
