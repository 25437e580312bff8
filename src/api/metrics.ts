import { taskStates } from '../db/schema/tasks.ts';
import type { TaskState } from '../db/schema/tasks.ts';
import { tagProblems } from '../db/schema/tag-checks.ts';
import { readTaskFigures } from '../db/reads/figures/read-task-figures.ts';
import type { TaskFigures } from '../db/reads/figures/read-task-figures.ts';
import type { ApiDependencies } from './dependencies.ts';

/**
 * Prometheus' text format. It tells whether syncs make progress; `/readyz` does not, because pulls do not depend on syncs. A stuck worker
 * must not remove a serving process from its load balancer (fault 120).
 */
export async function printMetrics(api: ApiDependencies): Promise<string> {
  const tasks = await readTaskFigures(api.database.em.fork()).catch(() => undefined);
  const memory = process.memoryUsage();
  const lines = [
    ...gauge('tidemark_build_info', 'The program that runs.', [[`{node="${process.version}"}`, 1]]),
    ...gauge('tidemark_database_up', 'Whether the database answers.', [['', tasks === undefined ? 0 : 1]]),
    ...(tasks === undefined ? [] : taskGauges(tasks)),
    ...figure(
      'counter',
      'tidemark_stale_tags_total',
      'Tags that were served although the upstream has not confirmed them, by reason.',
      tagProblems.map((problem) => [
        `{reason="${problem.toLowerCase()}"}`,
        api.pulls.staleTags().get(problem) ?? 0,
      ]),
    ),
    ...gauge('process_resident_memory_bytes', 'Resident memory.', [['', memory.rss]]),
    ...gauge('nodejs_heap_used_bytes', "Memory in use on V8's heap.", [['', memory.heapUsed]]),
    ...gauge('nodejs_external_memory_bytes', "Memory outside of V8's heap.", [['', memory.external]]),
    ...gauge('process_start_time_seconds', 'When the process started.', [
      ['', Math.round(Date.now() / 1_000 - process.uptime())],
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function taskGauges({ counts, oldestSeconds, syncLagSeconds }: TaskFigures): string[] {
  return [
    ...gauge('tidemark_tasks', 'Tasks by state.', by(counts, taskStates)),
    ...gauge(
      'tidemark_task_oldest_seconds',
      'Age of the oldest task that has not ended; 0: there is none. It grows while no worker takes tasks, or one is stuck.',
      by(oldestSeconds, ['WAITING', 'RUNNING']),
    ),
    ...gauge(
      'tidemark_sync_lag_seconds',
      'Time since the last completed sync of the mirror for which it is longest; 0: there is no mirror.',
      [['', syncLagSeconds]],
    ),
  ];
}

function by(figures: ReadonlyMap<TaskState, number>, states: readonly TaskState[]): [string, number][] {
  return states.map((state) => [`{state="${state}"}`, figures.get(state) ?? 0]);
}

type Values = readonly (readonly [labels: string, value: number])[];

function gauge(name: string, help: string, values: Values): string[] {
  return figure('gauge', name, help, values);
}

function figure(type: 'gauge' | 'counter', name: string, help: string, values: Values): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...values.map(([labels, value]) => `${name}${labels} ${value}`),
  ];
}
