import { Button, SimpleGrid } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import { Suspense, lazy, useEffect } from 'react';
import { useClient, useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { refreshAll } from '../graphql/refresh-exchange.ts';
import { useMay } from '../session/viewer.ts';
import { Empty } from '../shared/empty.tsx';
import { Page } from '../shared/page.tsx';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { RunningSync, RunningSyncFragment } from '../sync/running-sync.tsx';
import { Attention, AttentionFragment } from './attention.tsx';
import { ChangesToday } from './changes-today.tsx';
import { Figures, FiguresFragment } from './figures.tsx';
import classes from './overview.module.css';
import { Quotas, QuotasFragment } from './quotas.tsx';

/** With the library of charts, after the rest of the page. */
const LastDays30 = lazy(async () => ({ default: (await import('./last-days.tsx')).LastDays30 }));

const Overview = graphql(
  `
    query Overview {
      estate {
        repositories
        upstreamQuotas(first: 20) {
          ...Quotas
        }
        ...Figures
      }
      failing: repositories(first: 10, freshness: FAILING) {
        nodes {
          id
          ...Attention
        }
      }
      late: repositories(first: 10, freshness: LATE) {
        nodes {
          id
          ...Attention
        }
      }
      running: tasks(first: 10, state: RUNNING) {
        nodes {
          id
          dryRun
          repositoryName
          ...RunningSync
        }
      }
    }
  `,
  [AttentionFragment, FiguresFragment, QuotasFragment, RunningSyncFragment],
);

const REFRESH_MS = 10_000;

/** Is everything fresh, and what changed? */
export function OverviewPage() {
  const [{ data, error }, reload] = useQuery({ query: Overview });
  const client = useClient();
  const may = useMay();
  const { start, stop } = useInterval(() => document.hidden || refreshAll(client), REFRESH_MS);
  useEffect(() => {
    start();
    return stop;
  }, [start, stop]);
  if (data?.estate.repositories === 0) return <Welcome mayCreate={may('MAINTAINER')} />;
  const attention = data === undefined ? [] : [...data.failing.nodes, ...data.late.nodes];
  const running =
    data?.running.nodes.filter(({ dryRun, repositoryName }) => !dryRun && repositoryName !== null) ?? [];
  return (
    <Page title="Overview">
      <Problem error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
      {data === undefined ? (
        error === undefined ? (
          <RowsSkeleton rows={1} height={64} />
        ) : null
      ) : (
        <Figures estate={data.estate} />
      )}
      <div className={classes.stack}>
        {attention.length > 0 ? (
          <Panel title="Needs attention">
            <ul className={classes.rows}>
              {attention.map((repository) => (
                <Attention key={repository.id} repository={repository} />
              ))}
            </ul>
          </Panel>
        ) : null}
        <SimpleGrid cols={{ base: 1, md: running.length > 0 ? 2 : 1 }} spacing="md">
          {running.length > 0 ? (
            <Panel title="Running">
              {running.map((task) => (
                <RunningSync key={task.id} task={task} named />
              ))}
            </Panel>
          ) : null}
          <Panel title="What changed in the last 24 hours">
            <ChangesToday />
          </Panel>
        </SimpleGrid>
        {data === undefined ? null : <Quotas quotas={data.estate.upstreamQuotas} />}
        <Suspense fallback={<RowsSkeleton rows={2} height={90} />}>
          <LastDays30 />
        </Suspense>
      </div>
    </Page>
  );
}

function Welcome({ mayCreate }: { readonly mayCreate: boolean }) {
  return (
    <Page title="Overview">
      <Empty
        title="This server has no repository yet"
        action={
          mayCreate ? (
            <Button renderRoot={(props) => <Link to="/repositories" search={{ new: 'mirror' }} {...props} />}>
              New mirror
            </Button>
          ) : undefined
        }
      >
        Mirror a repository of another registry: name it, choose the tags, and watch the first sync. Or push
        an image to this server with docker.
      </Empty>
    </Page>
  );
}
