import { Anchor, Group } from '@mantine/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { IconExternalLink } from '../frame/icons.ts';
import { Empty } from '../shared/empty.tsx';
import { Page } from '../shared/page.tsx';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';
import { RowsSkeleton } from '../shared/rows-skeleton.tsx';
import { When } from '../shared/when.tsx';
import { CancelTask } from '../sync/cancel-task.tsx';
import { TaskView, useTask } from './task-view.tsx';
import { isFinal } from './task-state.tsx';
import { taskTitle } from './task-title.ts';

const route = getRouteApi('/tasks/$id');

export function TaskPage() {
  const { id } = route.useParams();
  const { task, error, missing } = useTask(id);
  if (missing)
    return (
      <Page title="Task">
        <Empty title="No task has this id">
          Look for it in the <Link to="/tasks">list of tasks</Link>.
        </Empty>
      </Page>
    );
  return (
    <Page
      title={task === undefined ? 'Task' : taskTitle(task)}
      subtitle={
        task === undefined ? (
          ' '
        ) : (
          <Group gap="md" component="span">
            {task.repositoryName === null ? null : (
              <Link to="/repositories/$" params={{ _splat: task.repositoryName }}>
                {task.repositoryName}
              </Link>
            )}
            {task.rule === null ? null : (
              <Link to="/rules/$name" params={{ name: task.rule.name }}>
                {task.rule.name}
              </Link>
            )}
            <span>
              requested <When at={task.createdAt} />
            </span>
            {task.temporalUrl === null ? null : (
              <Anchor href={task.temporalUrl} size="sm">
                Open in Temporal <IconExternalLink size={13} aria-hidden />
              </Anchor>
            )}
          </Group>
        )
      }
      actions={task === undefined || isFinal(task.state) ? null : <CancelTask task={task} />}
    >
      <Problem error={error} />
      {task === undefined ? (
        error === undefined ? (
          <RowsSkeleton />
        ) : null
      ) : (
        <Panel title="Progress">
          <TaskView task={task} />
        </Panel>
      )}
    </Page>
  );
}
