import { Link } from '@tanstack/react-router';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { Freshness, FreshnessFragment } from '../repositories/freshness.tsx';
import { When } from '../shared/when.tsx';
import classes from './overview.module.css';

export const AttentionFragment = graphql(
  `
    fragment Attention on Repository {
      id
      name
      lastSyncedAt
      syncExpectedAt
      lastSyncError {
        code
        message
      }
      tasks(first: 1) {
        nodes {
          id
        }
      }
      schedules(first: 1) {
        nodes {
          id
          paused
          nextRunAts
        }
      }
      ...Freshness
    }
  `,
  [FreshnessFragment],
);

/** A repository that is late or failing, with the reason and what comes next. */
export function Attention({ repository }: { readonly repository: FragmentOf<typeof AttentionFragment> }) {
  const data = readFragment(AttentionFragment, repository);
  const { name, lastSyncedAt, lastSyncError, syncExpectedAt, tasks, schedules } = data;
  const [task] = tasks.nodes;
  const [schedule] = schedules.nodes;
  return (
    <li className={classes.attention}>
      <Freshness repository={data} />
      <Link to="/repositories/$" params={{ _splat: name }} className={classes.strong}>
        {name}
      </Link>
      <span className={`${classes.reason} inText`}>
        {lastSyncError === null ? (
          <>
            expected <When at={syncExpectedAt} />
          </>
        ) : (
          <>
            {task === undefined ? (
              <b>{lastSyncError.code}</b>
            ) : (
              <Link to="/tasks/$id" params={{ id: task.id }} title="Open the task">
                {lastSyncError.code}
              </Link>
            )}{' '}
            {lastSyncError.message}
          </>
        )}
      </span>
      <span className={classes.aside}>
        last success <When at={lastSyncedAt} />
        {schedule === undefined ? ', no schedule' : schedule.paused ? ', schedule paused' : ''}
        {schedule !== undefined && !schedule.paused && schedule.nextRunAts[0] !== undefined ? (
          <>
            , next <When at={schedule.nextRunAts[0]} />
          </>
        ) : null}
      </span>
    </li>
  );
}
