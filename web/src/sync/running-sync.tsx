import { Group, Paper } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useClient } from 'urql';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { refreshAll } from '../graphql/refresh-exchange.ts';
import { isFinal } from '../tasks/task-state.tsx';
import { CancelTask, CancelTaskFragment } from './cancel-task.tsx';
import { TaskProgress, TaskProgressFragment } from './task-progress.tsx';
import { useLiveTask } from './use-live-task.ts';

export const RunningSyncFragment = graphql(
  `
    fragment RunningSync on Task {
      id
      state
      dryRun
      repositoryName
      ...CancelTask
      ...TaskProgress
    }
  `,
  [CancelTaskFragment, TaskProgressFragment],
);

interface Props {
  readonly task: FragmentOf<typeof RunningSyncFragment>;
  /** Whether to name the repository. */
  readonly named?: boolean;
}

/** A running sync with its progress; nothing once it is final. */
export function RunningSync({ task, named = false }: Props) {
  const data = readFragment(RunningSyncFragment, task);
  const running = !isFinal(data.state) && !data.dryRun;
  useLiveTask(data.id, running);
  const client = useClient();
  const ran = useRef(running);
  useEffect(() => {
    // The end of a sync changes versions, tags and times on this page.
    if (ran.current && !running) refreshAll(client);
    ran.current = running;
  }, [running, client]);
  if (!running) return null;
  return (
    <Paper
      withBorder
      radius="md"
      p="sm"
      mb="md"
      component="section"
      aria-label={`Running sync of ${data.repositoryName ?? ''}`}
    >
      <Group justify="space-between" mb={6}>
        <span>
          {named && data.repositoryName !== null ? (
            <Link to="/repositories/$" params={{ _splat: data.repositoryName }}>
              <b>{data.repositoryName}</b>
            </Link>
          ) : (
            <b>Sync</b>
          )}{' '}
          ·{' '}
          <Link to="/tasks/$id" params={{ id: data.id }}>
            details
          </Link>
        </span>
        <CancelTask task={data} />
      </Group>
      <TaskProgress task={data} />
    </Paper>
  );
}
