import { setTimeout as sleep } from 'node:timers/promises';
import { isTidemarkError, TidemarkError } from '../../oci/error.ts';
import { subscribeGraphql } from '../graphql-client.ts';
import type { Session } from '../session.ts';
import { isFinal, taskQuery, taskSubscription } from './task-queries.ts';
import type { Task } from './task-queries.ts';

const pauseMs = 500;
/** A server that is being restarted answers again within this time. */
const unreachableMaxMs = 60_000;

/**
 * Waits for the end of a task, over server-sent events; between a stream that broke and the next one it asks, so that it gets
 * on where no stream gets through.
 * @throws TidemarkError `SERVER_UNREACHABLE` when nothing answered for a minute, `NOT_FOUND` when the task is gone.
 */
export async function followTask(
  session: Session,
  taskId: string,
  onTask: (task: Task) => void,
): Promise<Task> {
  let answeredAtMs = performance.now();
  let lost: TidemarkError | undefined;
  for (;;) {
    if (lost !== undefined) {
      if (performance.now() - answeredAtMs > unreachableMaxMs) throw lost;
      await session.renew();
      lost = undefined;
    }
    try {
      const seen = (await readStream(session, taskId, onTask)) ?? (await readOnce(session, taskId));
      answeredAtMs = performance.now();
      onTask(seen);
      if (isFinal(seen.state)) return seen;
    } catch (error) {
      if (!isTidemarkError(error) || !error.retryable) throw error;
      lost = error;
    }
    await sleep(pauseMs);
  }
}

/** The task's final state; undefined where the stream ended before it. */
async function readStream(
  session: Session,
  taskId: string,
  onTask: (task: Task) => void,
): Promise<Task | undefined> {
  try {
    const request = { query: taskSubscription, variables: { id: taskId }, token: session.token() };
    for await (const { taskProgress } of subscribeGraphql<{ taskProgress: Task }>(
      session.apiUrl(),
      request,
    )) {
      if (isFinal(taskProgress.state)) return taskProgress;
      onTask(taskProgress);
    }
  } catch (error) {
    // asking once tells whether the server, the task or only the stream is lost
    if (!isTidemarkError(error)) throw error;
  }
  return undefined;
}

async function readOnce(session: Session, taskId: string): Promise<Task> {
  const { task } = await session.request<{ task: Task | null }>(taskQuery, { id: taskId });
  if (task !== null) return task;
  throw new TidemarkError(
    'NOT_FOUND',
    `The server knows no task ${taskId}. Was its data directory replaced?`,
    { origin: 'server' },
  );
}
