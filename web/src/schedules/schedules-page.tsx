import { Link, getRouteApi } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import type { Column } from '../shared/data-table.tsx';
import { EditableListPage } from '../shared/editable-list-page.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import { span } from '../shared/time.ts';
import { When } from '../shared/when.tsx';
import { ScheduleActions } from './schedule-actions.tsx';
import { ScheduleDialog } from './schedule-dialog.tsx';

const Schedules = graphql(`
  query Schedules($first: Int!, $after: String) {
    schedules(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        cron
        intervalSeconds
        timeZone
        mirror
        paused
        note
        problem
        nextRunAts
        repository {
          id
          name
        }
        runs(first: 1) {
          nodes {
            at
            outcome
            message
            task {
              id
              state
            }
          }
        }
      }
    }
  }
`);

type Schedule = ResultOf<typeof Schedules>['schedules']['nodes'][number];

const columns: readonly Column<Schedule>[] = [
  {
    header: 'Repository',
    width: 'minmax(150px, 1.4fr)',
    cell: ({ repository: { name } }) => (
      <Link to="/repositories/$" params={{ _splat: name }}>
        {name}
      </Link>
    ),
  },
  {
    header: 'When',
    width: 'minmax(140px, 1fr)',
    cell: ({ cron, intervalSeconds, timeZone }) =>
      cron === null ? `every ${span(intervalSeconds ?? 0)}` : `${cron} (${timeZone})`,
  },
  {
    header: 'State',
    width: '106px',
    cell: ({ paused, problem, note }) =>
      problem !== null ? (
        <StateMark tone="bad" title={problem}>
          problem
        </StateMark>
      ) : paused ? (
        <StateMark tone="late" title={note ?? ''}>
          paused
        </StateMark>
      ) : (
        <StateMark tone="good">active</StateMark>
      ),
  },
  {
    header: 'Last run',
    width: '170px',
    cell: ({
      runs: {
        nodes: [run],
      },
    }) =>
      run === undefined ? (
        'none yet'
      ) : run.task === null ? (
        <span title={run.message ?? ''}>
          {run.outcome.toLowerCase()} <When at={run.at} />
        </span>
      ) : (
        <Link to="/tasks/$id" params={{ id: run.task.id }}>
          {run.task.state.toLowerCase()} <When at={run.at} />
        </Link>
      ),
  },
  {
    header: 'Next run',
    width: '100px',
    cell: ({ nextRunAts, paused }) => (paused ? '–' : <When at={nextRunAts[0]} none="–" />),
  },
  { header: 'Actions', width: '190px', cell: (schedule) => <ScheduleActions schedule={schedule} /> },
];

const route = getRouteApi('/schedules');

export function SchedulesPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(Schedules, { first: 100 }, (data) => data.schedules);
  return (
    <EditableListPage
      label="Schedules"
      noun="schedule"
      pages={pages}
      columns={columns}
      nameOf={({ repository }) => repository.name}
      edit={edit}
      onEdit={(id) => void navigate({ search: id === undefined ? {} : { edit: id } })}
      emptyTitle="No schedule yet"
      emptyText="A schedule syncs a repository again and again, by a cron expression or at an interval. Runs that were missed are caught up once."
      dialog={(id, onClose) => <ScheduleDialog id={id} onClose={onClose} />}
    />
  );
}
