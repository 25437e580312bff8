import { Link } from '@tanstack/react-router';
import type { ComponentProps } from 'react';
import type { Column } from '../shared/data-table.tsx';
import { When } from '../shared/when.tsx';
import { TaskState } from './task-state.tsx';
import { taskTitle } from './task-title.ts';

interface TaskLine {
  readonly id: string;
  readonly name: string;
  readonly state: ComponentProps<typeof TaskState>['state'];
  readonly dryRun: boolean;
  readonly repositoryName: string | null;
  readonly rule: { readonly name: string } | null;
  readonly createdAt: string;
}

/** The first columns of a list of tasks. */
export function taskColumns(titleWidth: string): readonly Column<TaskLine>[] {
  return [
    {
      header: 'Task',
      width: titleWidth,
      cell: (task) => (
        <Link to="/tasks/$id" params={{ id: task.id }}>
          {taskTitle(task)}
        </Link>
      ),
    },
    { header: 'State', width: '110px', cell: ({ state }) => <TaskState state={state} /> },
    { header: 'Requested', width: '110px', cell: ({ createdAt }) => <When at={createdAt} /> },
  ];
}
