import { Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { TaskView, useTask } from '../tasks/task-view.tsx';
import { isFinal } from '../tasks/task-state.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { CancelTask } from './cancel-task.tsx';

interface Props {
  readonly id: string;
  readonly onClose: () => void;
}

/** A sync in the dialog: progress, then what it did with each tag. */
export function WatchSync({ id, onClose }: Props) {
  const { task, error, missing } = useTask(id);
  if (missing) return <Text c="dimmed">No task has this id.</Text>;
  return (
    <>
      <Problem error={error} />
      {task === undefined ? <RowsSkeleton rows={4} /> : <TaskView task={task} />}
      <Group justify="flex-end" mt="md" gap="xs">
        {task === undefined || isFinal(task.state) ? null : <CancelTask task={task} />}
        <Link to="/tasks/$id" params={{ id }}>
          Open the task
        </Link>
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </>
  );
}
