import { Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { DataTable } from '../shared/data-table.tsx';
import type { Column } from '../shared/data-table.tsx';
import { Problem } from '../shared/problem.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import type { Tone } from '../shared/state-mark.tsx';
import { TaskState } from './task-state.tsx';

const Counts = graphql(`
  query RuleOutcomeCounts($id: ID!) {
    task(id: $id) {
      id
      ruleOutcomeCounts {
        outcome
        count
      }
    }
  }
`);

const Outcomes = graphql(`
  query RuleOutcomes($id: ID!, $first: Int!, $after: String) {
    task(id: $id) {
      id
      dryRun
      ruleOutcomes(first: $first, after: $after) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          upstreamName
          name
          outcome
          reason
          repository {
            id
            name
          }
          syncTask {
            id
            state
          }
        }
      }
    }
  }
`);

type Outcome = NonNullable<ResultOf<typeof Outcomes>['task']>['ruleOutcomes']['nodes'][number];

const marks: Record<Outcome['outcome'], { readonly tone: Tone; readonly word: string }> = {
  CREATE: { tone: 'good', word: 'create' },
  PRESENT: { tone: 'rest', word: 'present' },
  VANISHED: { tone: 'late', word: 'vanished' },
  COLLIDES: { tone: 'bad', word: 'collides' },
  LEFT_OUT: { tone: 'bad', word: 'left out' },
};

const columns: readonly Column<Outcome>[] = [
  {
    header: 'At the upstream',
    width: 'minmax(140px, 1fr)',
    cell: ({ upstreamName }) => <b>{upstreamName}</b>,
  },
  {
    header: 'Here',
    width: 'minmax(140px, 1fr)',
    cell: ({ name, repository }) =>
      repository === null ? (
        name
      ) : (
        <Link to="/repositories/$" params={{ _splat: repository.name }}>
          {repository.name}
        </Link>
      ),
  },
  {
    header: 'Outcome',
    width: '110px',
    cell: ({ outcome }) => <StateMark tone={marks[outcome].tone}>{marks[outcome].word}</StateMark>,
  },
  {
    header: 'Sync',
    width: '110px',
    cell: ({ syncTask }) =>
      syncTask === null ? (
        ''
      ) : (
        <Link to="/tasks/$id" params={{ id: syncTask.id }}>
          <TaskState state={syncTask.state} />
        </Link>
      ),
  },
  {
    header: 'Reason',
    width: 'minmax(120px, 1.4fr)',
    cell: ({ reason }) => <span title={reason ?? ''}>{reason ?? ''}</span>,
  },
];

interface Props {
  readonly id: string;
  /** The list is read again when it changes. */
  readonly revision: string;
}

/** What a run of a mirror rule found, or a dry run would do, with each repository. */
export function RuleOutcomes({ id, revision }: Props) {
  const [{ data }, readCounts] = useQuery({
    query: Counts,
    variables: { id },
    requestPolicy: 'network-only',
  });
  const pages = usePages(Outcomes, { id, first: 100 }, (result) => result.task?.ruleOutcomes);
  const { reload } = pages;
  const shown = useRef(revision);
  useEffect(() => {
    if (shown.current === revision) return;
    shown.current = revision;
    reload();
    readCounts({ requestPolicy: 'network-only' });
  }, [revision, reload, readCounts]);
  const counts = data?.task?.ruleOutcomeCounts ?? [];
  if (counts.length === 0 && pages.total === 0) return null;
  return (
    <>
      <Group gap="md" my="sm">
        {counts.map(({ outcome, count }) => (
          <Text key={outcome} size="sm">
            <b>{count.toLocaleString()}</b> {marks[outcome].word}
          </Text>
        ))}
      </Group>
      <Problem error={pages.error} onRetry={pages.reload} />
      {pages.rows.length > 0 ? (
        <DataTable
          label="Repositories found"
          columns={columns}
          rows={pages.rows}
          keyOf={({ upstreamName }) => upstreamName}
          onEnd={pages.more}
          height="420px"
        />
      ) : null}
    </>
  );
}
