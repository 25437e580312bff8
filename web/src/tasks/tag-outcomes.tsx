import { Group, Text } from '@mantine/core';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { DataTable } from '../shared/data-table.tsx';
import type { Column } from '../shared/data-table.tsx';
import { Digest } from '../shared/digest.tsx';
import { Problem } from '../shared/problem.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import type { Tone } from '../shared/state-mark.tsx';

const Counts = graphql(`
  query OutcomeCounts($id: ID!) {
    task(id: $id) {
      id
      tagOutcomeCounts {
        outcome
        count
      }
    }
  }
`);

const Outcomes = graphql(`
  query Outcomes($id: ID!, $first: Int!, $after: String) {
    task(id: $id) {
      id
      tagOutcomes(first: $first, after: $after) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          name
          outcome
          oldDigest
          newDigest
          reason
        }
      }
    }
  }
`);

type Outcome = NonNullable<ResultOf<typeof Outcomes>['task']>['tagOutcomes']['nodes'][number];

const tones: Partial<Record<Outcome['outcome'], Tone>> = {
  ADDED: 'good',
  MOVED: 'late',
  REMOVED: 'bad',
  FAILED: 'bad',
  NOT_VERIFIED: 'bad',
};

export const outcomeWord = (outcome: string) => outcome.toLowerCase().replaceAll('_', ' ');

const columns: readonly Column<Outcome>[] = [
  { header: 'Tag', width: 'minmax(120px, 1fr)', cell: ({ name }) => <b>{name}</b> },
  {
    header: 'Outcome',
    width: '120px',
    cell: ({ outcome }) => <StateMark tone={tones[outcome] ?? 'rest'}>{outcomeWord(outcome)}</StateMark>,
  },
  { header: 'Before', width: '126px', cell: ({ oldDigest }) => <Digest value={oldDigest} /> },
  { header: 'Upstream', width: '126px', cell: ({ newDigest }) => <Digest value={newDigest} /> },
  {
    header: 'Reason',
    width: 'minmax(120px, 2fr)',
    cell: ({ reason }) => <span title={reason ?? ''}>{reason ?? ''}</span>,
  },
];

/** What a completed sync did with each tag. */
export function TagOutcomes({ id }: { readonly id: string }) {
  const [{ data }] = useQuery({ query: Counts, variables: { id } });
  const pages = usePages(Outcomes, { id, first: 100 }, (result) => result.task?.tagOutcomes);
  const counts = data?.task?.tagOutcomeCounts ?? [];
  if (counts.length === 0 && pages.total === 0) return null;
  return (
    <>
      <Group gap="md" my="sm">
        {counts.map(({ outcome, count }) => (
          <Text key={outcome} size="sm">
            <b>{count.toLocaleString()}</b> {outcomeWord(outcome)}
          </Text>
        ))}
      </Group>
      <Problem error={pages.error} onRetry={pages.reload} />
      {pages.rows.length > 0 ? (
        <DataTable
          label="Outcomes"
          columns={columns}
          rows={pages.rows}
          keyOf={({ name }) => name}
          onEnd={pages.more}
          height="420px"
        />
      ) : null}
    </>
  );
}
