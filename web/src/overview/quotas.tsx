import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf, ResultOf } from '../graphql/graphql.ts';
import { Panel } from '../shared/panel.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import { span } from '../shared/time.ts';
import { When } from '../shared/when.tsx';
import classes from './overview.module.css';

export const QuotasFragment = graphql(`
  fragment Quotas on UpstreamQuotaConnection {
    totalCount
    nodes {
      host
      limit
      remaining
      windowSeconds
      resetsAt
      readAt
      remote {
        id
        name
        username
        credential {
          id
          name
        }
      }
    }
  }
`);

/** What is left of the quotas of upstreams; nothing where none announces one. */
export function Quotas({ quotas }: { readonly quotas: FragmentOf<typeof QuotasFragment> }) {
  const { nodes, totalCount } = readFragment(QuotasFragment, quotas);
  if (nodes.length === 0) return null;
  return (
    <Panel title="Upstream quotas">
      <ul className={classes.rows}>
        {nodes.map((quota) => (
          <Quota key={`${quota.host} ${quota.remote?.id}`} {...quota} />
        ))}
      </ul>
      {totalCount > nodes.length ? (
        <span className={classes.aside}>and {(totalCount - nodes.length).toLocaleString()} more</span>
      ) : null}
    </Panel>
  );
}

type Props = ResultOf<typeof QuotasFragment>['nodes'][number];

function Quota({ host, limit, remaining, windowSeconds, resetsAt, readAt, remote }: Props) {
  const login = remote?.credential?.name ?? remote?.username;
  return (
    <li className={classes.quota}>
      <span className={classes.strong}>{host}</span>
      <span className={classes.aside}>{login == null ? 'without a login' : `as ${login}`}</span>
      <StateMark tone={remaining === 0 ? 'bad' : isLow(remaining, limit) ? 'late' : 'good'}>
        {limit === null
          ? `${remaining.toLocaleString()} requests left`
          : `${remaining.toLocaleString()} of ${limit.toLocaleString()} requests left`}
      </StateMark>
      <span className={classes.aside}>
        {resetsAt === null ? (
          describeWindow(windowSeconds)
        ) : (
          <>
            resets <When at={resetsAt} />
          </>
        )}
        , read <When at={readAt} />
      </span>
    </li>
  );
}

function isLow(remaining: number, limit: number | null): boolean {
  return limit !== null && remaining < limit / 10;
}

/** A window without an end slides: requests are free again one by one. */
function describeWindow(seconds: number | null): string {
  return seconds === null ? 'reset not announced' : `counted over the last ${span(seconds)}`;
}
