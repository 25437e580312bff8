import { useEffect, useState } from 'react';
import { useClient, useQuery, useSubscription } from 'urql';
import type { CombinedError } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { isFinal } from '../tasks/task-state.tsx';
import { cancelQuietly, startSync } from './sync-mutation.ts';
import type { SyncAnswer, SyncInput } from './sync-mutation.ts';

const PreviewState = graphql(`
  subscription PreviewState($id: ID!) {
    taskProgress(id: $id) {
      id
      state
      progress {
        stage
        tagsDone
        tagsTotal
      }
    }
  }
`);

const PreviewPlan = graphql(`
  query PreviewPlan($id: ID!) {
    task(id: $id) {
      id
      state
      error {
        code
        message
      }
      warnings
      plan {
        tagsAdded
        tagsMoved
        tagsRemoved
        bytesToFetch
        blobsToFetch
        tags(first: 100) {
          totalCount
          nodes {
            name
            change
            newDigest
          }
        }
      }
      tagOutcomeCounts {
        outcome
        count
      }
    }
  }
`);

const PAUSE_MS = 500;

/** A dry run of these rules: started anew, after a pause, whenever they change; the one before is canceled. */
export function usePreview(input: SyncInput) {
  const client = useClient();
  const [started, setStarted] = useState<{
    key: string;
    answer?: SyncAnswer | undefined;
    error?: CombinedError | undefined;
  }>();
  const key = JSON.stringify(input);
  useEffect(() => {
    const ended = new AbortController();
    let id: string | undefined;
    const timer = setTimeout(async () => {
      const { data, error } = await startSync(
        client,
        { ...(JSON.parse(key) as SyncInput), dryRun: true },
        ended.signal,
      );
      const answer = data?.repositorySync;
      if (answer?.userErrors.length === 0) id = answer.task?.id;
      if (ended.signal.aborted) {
        if (id !== undefined) await cancelQuietly(client, id);
      } else setStarted({ key, answer, error });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
      if (id !== undefined) void cancelQuietly(client, id);
    };
  }, [client, key]);
  const current = started?.key === key ? started : undefined;
  const taskId = current?.answer?.userErrors.length === 0 ? current.answer.task?.id : undefined;
  const [live] = useSubscription({
    query: PreviewState,
    variables: { id: taskId ?? '' },
    pause: taskId === undefined,
  });
  const seen = live.data?.taskProgress.id === taskId ? live.data?.taskProgress : undefined;
  const done = seen !== undefined && isFinal(seen.state);
  const [plan] = useQuery({
    query: PreviewPlan,
    variables: { id: taskId ?? '' },
    pause: !done,
    requestPolicy: 'network-only',
  });
  const task = done && plan.data?.task?.id === taskId ? plan.data?.task : undefined;
  return {
    userErrors: current?.answer?.userErrors ?? [],
    error: current?.error ?? plan.error,
    progress: seen?.progress,
    task,
  };
}
