import type { Logger } from 'pino';
import { Task } from '../db/schema/tasks.ts';
import type { TaskState } from '../db/schema/tasks.ts';
import type { Database } from '../db/open-database.ts';
import { createTaskEndings } from '../db/tasks/task-endings.ts';
import { readTaskCounts } from '../db/tasks/tasks.ts';

/** Identifies a state of a task; compared as text. */
interface Look {
  readonly fingerprint: string;
  readonly isFinal: boolean;
}

type Listener = (look: Look | undefined) => void;

export interface TaskWatch {
  /**
   * Yields the task's id once at the start, then after each change, at most once per 250 ms, and at once after the final state, which ends
   * it. Changes while the consumer is busy are merged. It also ends when the task is deleted. `return()` ends it immediately.
   * @param untilDelivered Awaited after each event, for transports without back-pressure.
   */
  watch(taskId: number, untilDelivered: () => Promise<void>): AsyncIterableIterator<number, undefined>;
  /** Ends all watches. */
  close(): Promise<void>;
}

const lookEveryMs = 250;
const finalStates: readonly TaskState[] = ['COMPLETED', 'FAILED', 'CANCELED'];

/**
 * Watches tasks in the database, so that any API process can serve any subscription. All tasks and subscribers of this process share one
 * look per 250 ms; there is none without subscribers. PostgreSQL notifies of ended tasks; the next look finds a missed one.
 */
export function createTaskWatch(database: Database, logger: Logger): TaskWatch {
  const watched = new Map<number, Set<Listener>>();
  const closing = new AbortController();
  const endings = createTaskEndings(database, (taskId) => {
    if (watched.has(taskId)) void look([taskId]);
  });
  let timer: NodeJS.Timeout | undefined;

  async function look(taskIds: readonly number[]): Promise<void> {
    try {
      const looks = taskIds.length === 0 ? new Map<number, Look>() : await readLooks(database, taskIds);
      // A task that was added meanwhile is not part of this look.
      for (const taskId of taskIds)
        for (const listener of watched.get(taskId) ?? []) listener(looks.get(taskId));
    } catch (error) {
      // The next look may succeed: a restart of the database must not end subscriptions.
      logger.warn({ err: error }, 'the progress of tasks cannot be read; trying again');
    }
  }

  async function lookAll(): Promise<void> {
    if (watched.size > 0) endings.listen();
    await look([...watched.keys()]);
    timer =
      watched.size > 0 && !closing.signal.aborted ? setTimeout(() => void lookAll(), lookEveryMs) : undefined;
  }

  function listen(taskId: number, listener: Listener): () => void {
    const listeners = watched.get(taskId) ?? new Set();
    listeners.add(listener);
    watched.set(taskId, listeners);
    timer ??= setTimeout(() => void lookAll(), 0);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) watched.delete(taskId);
    };
  }

  return {
    watch(taskId, untilDelivered) {
      const ending = new AbortController();
      const ended = AbortSignal.any([ending.signal, closing.signal]);
      return endedBy(ending, follow(taskId, { listen, ended, untilDelivered }));
    },
    async close() {
      clearTimeout(timer);
      closing.abort();
      await endings.close();
    },
  };
}

/** Events that `return()` ends at once, by the controller. A waiting generator alone would notice it only at its next event. */
function endedBy(
  ending: AbortController,
  events: AsyncGenerator<number, undefined>,
): AsyncIterableIterator<number, undefined> {
  return {
    next: () => events.next(),
    return: () => {
      ending.abort();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

interface Following {
  readonly listen: (taskId: number, listener: Listener) => () => void;
  readonly ended: AbortSignal;
  readonly untilDelivered: () => Promise<void>;
}

async function* follow(
  taskId: number,
  { listen, ended, untilDelivered }: Following,
): AsyncGenerator<number, undefined> {
  let current: Look | 'gone' | undefined;
  let wake: (() => void) | undefined;
  const onEnd = (): void => wake?.();
  const stop = listen(taskId, (look) => {
    current = look ?? 'gone';
    wake?.();
  });
  ended.addEventListener('abort', onEnd);
  try {
    for (let shown = ''; !ended.aborted;) {
      const look = current;
      if (look === 'gone') return;
      if (look !== undefined && look.fingerprint !== shown) {
        shown = look.fingerprint;
        yield taskId;
        if (look.isFinal) return;
        await untilDelivered();
      }
      if (current === look && !ended.aborted)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    ended.removeEventListener('abort', onEnd);
    stop();
  }
}

async function readLooks(database: Database, taskIds: readonly number[]): Promise<Map<number, Look>> {
  const em = database.em.fork();
  const tasks = await em.find(Task, { id: { $in: [...taskIds] } });
  const counts = await readTaskCounts(em, taskIds);
  return new Map(
    tasks.map((task) => [
      task.id,
      { fingerprint: JSON.stringify([task, counts.get(task.id)]), isFinal: finalStates.includes(task.state) },
    ]),
  );
}
