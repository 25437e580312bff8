import { useEffect } from 'react';
import { useQuery } from 'urql';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { CancelTaskFragment } from '../sync/cancel-task.tsx';
import { TaskProgress, TaskProgressFragment } from '../sync/task-progress.tsx';
import { useLiveTask } from '../sync/use-live-task.ts';
import { RuleOutcomes } from './rule-outcomes.tsx';
import { TagOutcomes } from './tag-outcomes.tsx';
import { isFinal } from './task-state.tsx';
import { TaskResult, TaskResultFragment } from './task-result.tsx';
import { TaskUpstreams, TaskUpstreamsFragment } from './task-upstreams.tsx';

const TaskViewFragment = graphql(
  `
    fragment TaskView on Task {
      id
      ruleProgress {
        total
      }
      ...TaskProgress
      ...TaskResult
      ...TaskUpstreams
    }
  `,
  [TaskProgressFragment, TaskResultFragment, TaskUpstreamsFragment],
);

const TaskQuery = graphql(
  `
    query Task($id: ID!) {
      task(id: $id) {
        id
        name
        state
        dryRun
        mirror
        repositoryName
        createdAt
        startedAt
        finishedAt
        temporalUrl
        workflowId
        rule {
          id
          name
        }
        ...CancelTask
        ...TaskView
      }
    }
  `,
  [CancelTaskFragment, TaskViewFragment],
);

/** A task that stays up to date. */
export function useTask(id: string) {
  const [{ data, error }, reload] = useQuery({ query: TaskQuery, variables: { id } });
  const task = data?.task;
  const running = task != null && !isFinal(task.state);
  useLiveTask(id, running);
  useEffect(() => {
    // The result is not part of the progress.
    if (!running) reload({ requestPolicy: 'network-only' });
  }, [running, reload]);
  return { task: task ?? undefined, error, missing: task === null };
}

/** The progress of a task, and its result. */
export function TaskView({
  task,
}: {
  readonly task: FragmentOf<typeof TaskViewFragment> & { readonly state: Parameters<typeof isFinal>[0] };
}) {
  const data = readFragment(TaskViewFragment, task);
  return (
    <>
      <TaskProgress task={data} />
      <TaskResult task={data} />
      <TaskUpstreams task={data} />
      {data.ruleProgress === null ? (
        isFinal(task.state) ? (
          <TagOutcomes id={data.id} />
        ) : null
      ) : (
        // The list is there once the total is known, and has the ends of the syncs when the run is final.
        <RuleOutcomes id={data.id} revision={`${data.ruleProgress.total}${task.state}`} />
      )}
    </>
  );
}
