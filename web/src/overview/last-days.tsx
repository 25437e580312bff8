import { SimpleGrid, Text } from '@mantine/core';
import { useMemo } from 'react';
import { useQuery } from 'urql';
import { formatBytes } from '../../../src/cli/progress/format.ts';
import { graphql } from '../graphql/graphql.ts';
import { readOnce } from '../graphql/read-once.ts';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { DayChart } from './day-chart.tsx';

const LastDays = graphql(`
  query LastDays {
    estate {
      days(first: 31) {
        day
        storedBytes
        pulls
        servedBytes
      }
    }
  }
`);

/** Growth of the storage, and what clients have pulled, over thirty days. The day before them is what growth is compared with. */
export function LastDays30() {
  const [{ data, error }] = useQuery({ query: LastDays, requestPolicy: 'network-only', context: readOnce });
  const all = useMemo(() => data?.estate.days.toReversed(), [data]);
  const days = useMemo(() => all?.slice(1), [all]);
  const charts = useMemo(
    () =>
      days && {
        stored: days.map(({ day, storedBytes }) => ({ day, bytes: storedBytes })),
        served: days.map(({ day, servedBytes }) => ({ day, bytes: servedBytes })),
      },
    [days],
  );
  if (error !== undefined) return <Problem error={error} />;
  if (days === undefined || charts === undefined) return <RowsSkeleton rows={2} height={90} />;
  const grown = (all?.at(-1)?.storedBytes ?? 0) - (all?.[0]?.storedBytes ?? 0);
  const pulls = days.reduce((sum, day) => sum + day.pulls, 0);
  const served = days.reduce((sum, day) => sum + day.servedBytes, 0);
  const growth = `${formatBytes(grown)} of the stored content was added in the last 30 days`;
  const pulled = `${pulls.toLocaleString()} ${pulls === 1 ? 'pull' : 'pulls'}, ${formatBytes(served)} served in the last 30 days`;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <Panel title="Stored">
        <Text size="sm">{growth}</Text>
        <DayChart label={`Stored bytes by day: ${growth}`} days={charts.stored} kind="line" />
      </Panel>
      <Panel title="Pulled">
        <Text size="sm">{pulled}</Text>
        <DayChart label={`Bytes served by day: ${pulled}`} days={charts.served} kind="bars" />
      </Panel>
    </SimpleGrid>
  );
}
