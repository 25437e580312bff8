import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Task } from '../../../db/schema/tasks.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { SyncOverridesType, toSyncOverrides } from '../sync/sync.type.ts';
import { Payload } from '../payload.type.ts';

export const TaskStateEnum = {
  WAITING: 'WAITING',
  RUNNING: 'RUNNING',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELED: 'CANCELED',
} as const;
type TaskState = keyof typeof TaskStateEnum;

registerEnumType(TaskStateEnum, {
  name: 'TaskState',
  description: 'States of a task. COMPLETED, FAILED and CANCELED are final.',
  valuesConfig: {
    WAITING: {
      description:
        'Accepted, and waiting for a worker, for its turn, or for a sync window (`progress.waitsFor`).',
    },
    RUNNING: { description: 'A worker is processing the task.' },
    COMPLETED: { description: 'The task has completed.' },
    FAILED: { description: 'The task has failed and changed nothing; `error` says why.' },
    CANCELED: { description: 'The task was canceled and changed nothing.' },
  },
});

@ObjectType('TaskError', {
  description: 'The error of a failed task.',
  simpleResolvers: true,
})
export class TaskErrorType {
  @Field(() => String, { description: 'Stable code, e.g. UPSTREAM_UNAUTHORIZED.' })
  code!: string;

  @Field(() => String, { description: 'Free text; null: none.' })
  message!: string;
}

@ObjectType('Task', {
  implements: NodeType,
  description: 'Work that runs in the background. Temporal resumes it after crashes and restarts.',
  simpleResolvers: true,
})
export class TaskType extends NodeType {
  row!: Task;

  @Field(() => String, { description: 'Kind of the task, e.g. "repository.sync".' })
  name!: string;

  @Field(() => TaskStateEnum, { description: 'Progress of the task.' })
  state!: TaskState;

  @Field(() => DateTime, { description: 'Time of the request.' })
  createdAt!: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Time at which a worker started it; null: not started.',
  })
  startedAt!: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Time at which it reached its final state; null: not final.',
  })
  finishedAt!: Date | null;

  @Field(() => TaskErrorType, { nullable: true, description: 'The error; null unless state is FAILED.' })
  error!: TaskErrorType | null;

  @Field(() => String, { description: 'Id of the Temporal workflow.' })
  workflowId!: string;

  @Field(() => String, {
    nullable: true,
    description: 'OpenTelemetry trace that created the task, in hexadecimal; null without tracing.',
  })
  traceId!: string | null;

  @Field(() => Boolean, { description: 'Whether the sync is a dry run (`dryRun`).' })
  dryRun!: boolean;

  @Field(() => Boolean, { description: 'Whether the sync is a mirror sync (`mirror`).' })
  mirror!: boolean;

  @Field(() => Boolean, {
    description: 'Whether the sync removes tags outside of its filters (`pruneFiltered`).',
  })
  pruneFiltered!: boolean;

  @Field(() => Int, {
    nullable: true,
    description:
      'Tags that the filters of a mirror sync leave out and that the repository had at its start, without companion tags. They are removed ' +
      'with pruneFiltered, else kept. Null for other tasks, and until known.',
  })
  tagsOutsideFilter!: number | null;

  @Field(() => SyncOverridesType, {
    nullable: true,
    description: 'Options that replace those of the remote in this sync only; null: none.',
  })
  overrides!: SyncOverridesType | null;
}

export function toTaskType(row: Task): TaskType {
  const { name, state, createdAt, workflowId } = row;
  const { errorCode, errorMessage } = row;
  return Object.assign(new TaskType(), {
    id: toGlobalId('Task', row.id),
    row,
    name,
    state,
    createdAt,
    workflowId,
    traceId: row.traceId ?? null,
    startedAt: row.startedAt ?? null,
    finishedAt: row.finishedAt ?? null,
    error: typeof errorCode === 'string' ? { code: errorCode, message: errorMessage ?? '' } : null,
    // Tasks of other kinds have no arguments of a sync.
    dryRun: (row.arguments as Partial<Task['arguments']>).dryRun ?? false,
    mirror: (row.arguments as Partial<Task['arguments']>).mirror ?? false,
    pruneFiltered: row.arguments.pruneFiltered ?? false,
    tagsOutsideFilter: row.tagsOutsideFilter ?? null,
    overrides: toSyncOverrides(row.arguments.overrides),
  });
}

export const TaskConnection = connectionType(TaskType, 'Task');

@InputType('TaskCancelInput', { description: 'The task to cancel.' })
export class TaskCancelInput {
  @Field(() => ID, { description: 'The task.' })
  id!: string;
}

@ObjectType('TaskPayload', {
  description: 'The result of a mutation that starts or cancels a task.',
  simpleResolvers: true,
})
export class TaskPayload extends Payload {
  @Field(() => TaskType, {
    nullable: true,
    description: 'The task; with SYNC_ALREADY_RUNNING or IN_USE, the running task; null on any other error.',
  })
  task!: TaskType | null;
}
