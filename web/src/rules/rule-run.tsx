import { Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useClient } from 'urql';
import { refreshAll } from '../graphql/refresh-exchange.ts';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { When } from '../shared/when.tsx';
import { CancelTask } from '../sync/cancel-task.tsx';
import { TaskView, useTask } from '../tasks/task-view.tsx';
import { isFinal } from '../tasks/task-state.tsx';

interface Props {
  readonly id: string;
  /** The state of the run when the rest of the page was read. */
  readonly stateOnPage: Parameters<typeof isFinal>[0];
}

/** The newest run of a rule: what it found, and how far it is. */
export function RuleRun({ id, stateOnPage }: Props) {
  const { task, error } = useTask(id);
  const client = useClient();
  const running = task !== undefined && !isFinal(task.state);
  const ran = useRef(running);
  const isOld = task !== undefined && !running && !isFinal(stateOnPage);
  useEffect(() => {
    // The end of a run changes the repositories on this page. A short run may have ended before it was first seen.
    if ((ran.current && !running) || isOld) refreshAll(client);
    ran.current = running;
  }, [running, isOld, client]);
  return (
    <Panel
      title={task?.dryRun === true ? 'What a run would do' : 'Last run'}
      aside={
        task === undefined ? null : (
          <Group gap="sm">
            <Text size="sm" c="dimmed">
              <When at={task.createdAt} /> ·{' '}
              <Link to="/tasks/$id" params={{ id }}>
                details
              </Link>
            </Text>
            {running ? <CancelTask task={task} /> : null}
          </Group>
        )
      }
    >
      <Problem error={error} />
      {task === undefined ? error === undefined ? <RowsSkeleton rows={3} /> : null : <TaskView task={task} />}
    </Panel>
  );
}
