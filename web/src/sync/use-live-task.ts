import { useSubscription } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { TaskProgressFragment } from './task-progress.tsx';

const TaskChanges = graphql(
  `
    subscription TaskChanges($id: ID!) {
      taskProgress(id: $id) {
        id
        createdVersion {
          id
          number
        }
        ...TaskProgress
      }
    }
  `,
  [TaskProgressFragment],
);

/** Keeps a task in the cache up to date until it is final. */
export function useLiveTask(id: string | undefined, running: boolean): void {
  useSubscription({ query: TaskChanges, variables: { id: id ?? '' }, pause: id === undefined || !running });
}
