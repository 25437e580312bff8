import type { Gauge } from 'prom-client';
import { freshnessStates } from '../db/reads/figures/read-freshness.ts';
import { readEstateFigures, readLastSyncs } from '../db/reads/figures/read-metric-figures.ts';
import type { EstateFigures } from '../db/reads/figures/read-metric-figures.ts';
import { readTaskFigures } from '../db/reads/figures/read-task-figures.ts';
import type { TaskFigures } from '../db/reads/figures/read-task-figures.ts';
import { taskStates, waitReasons } from '../db/schema/tasks.ts';
import type { ApiDependencies } from './dependencies.ts';

/** Each is a series. */
const mostRepositories = 10_000;

/**
 * Prometheus' text format: what the database knows, and what this process has counted. It tells whether syncs make progress; `/readyz` does
 * not, because pulls do not depend on syncs. A stuck worker must not remove a serving process from its load balancer (fault 120).
 */
export function createMetricsPrinter(
  api: Pick<ApiDependencies, 'database' | 'config' | 'processMetrics'>,
): () => Promise<string> {
  let printing: Promise<string> | undefined;
  // Concurrent scrapes share one reading of the database.
  return () => (printing ??= print(api).finally(() => (printing = undefined)));
}

type Printed = Parameters<typeof createMetricsPrinter>[0];

async function print(api: Printed): Promise<string> {
  // Loaded at the first scrape, not at the start.
  const { Gauge: GaugeClass, Registry } = await import('prom-client');
  const registry = new Registry();
  const gauge = createGauges((options) => new GaugeClass({ ...options, registers: [registry] }));
  gauge('tidemark_build_info', 'The program that runs.', [
    [{ version: api.config.version, node: process.version }, 1],
  ]);
  const isUp = await addDatabaseGauges(api, gauge).then(
    () => true,
    () => false,
  );
  gauge('tidemark_database_up', 'Whether the database answers.', [[{}, isUp ? 1 : 0]]);
  return [await registry.metrics(), await api.processMetrics?.print()].filter(Boolean).join('\n');
}

type AddGauge = (
  name: string,
  help: string,
  values: readonly (readonly [labels: Record<string, string>, value: number])[],
) => void;

interface GaugeOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
}

function createGauges(create: (options: GaugeOptions) => Gauge): AddGauge {
  return (name, help, values) => {
    const labelNames = Object.keys(values[0]?.[0] ?? {});
    const gauge = create({ name, help, labelNames });
    for (const [labels, value] of values) gauge.set(labels, value);
  };
}

async function addDatabaseGauges({ database, config }: Printed, gauge: AddGauge): Promise<void> {
  const em = database.em.fork();
  const tasks = await readTaskFigures(em);
  const estate = await readEstateFigures(em);
  const repositories = config.repositoryMetrics === true ? await readLastSyncs(em, mostRepositories) : [];
  addTaskGauges(tasks, gauge);
  addEstateGauges(estate, gauge);
  if (repositories.length > 0)
    gauge(
      'tidemark_repository_last_sync_timestamp_seconds',
      'End of the last completed sync, or of a later look that found nothing changed. Needs TIDEMARK_METRICS_REPOSITORIES.',
      repositories.map(({ repository, syncedAt }) => [{ repository }, syncedAt]),
    );
}

function addTaskGauges({ counts, oldestSeconds, syncLagSeconds }: TaskFigures, gauge: AddGauge): void {
  gauge(
    'tidemark_tasks',
    'Tasks by state.',
    taskStates.map((state) => [{ state }, counts.get(state) ?? 0]),
  );
  gauge(
    'tidemark_task_oldest_seconds',
    'Age of the oldest task that has not ended; 0: there is none. It grows while no worker takes tasks, or one is stuck.',
    (['WAITING', 'RUNNING'] as const).map((state) => [{ state }, oldestSeconds.get(state) ?? 0]),
  );
  gauge(
    'tidemark_sync_lag_seconds',
    'Time since the last completed sync of the mirror for which it is longest; 0: there is no mirror.',
    [[{}, syncLagSeconds]],
  );
}

function addEstateGauges({ freshness, storedBlobs, storedBytes, waiting }: EstateFigures, gauge: AddGauge) {
  const reasons = (['START', ...waitReasons] as const).map(
    (reason) => [{ reason }, waiting.get(reason)] as const,
  );
  gauge(
    'tidemark_tasks_waiting',
    'Waiting tasks by reason. START: only a worker is missing.',
    reasons.map(([labels, queue]) => [labels, queue?.count ?? 0]),
  );
  gauge(
    'tidemark_task_waiting_oldest_seconds',
    'Age of the oldest waiting task by reason; 0: there is none.',
    reasons.map(([labels, queue]) => [labels, queue?.oldestSeconds ?? 0]),
  );
  gauge(
    'tidemark_repositories',
    'Repositories by freshness.',
    freshnessStates.map((state) => [{ freshness: state }, freshness.get(state) ?? 0]),
  );
  gauge('tidemark_stored_blobs', 'Stored blobs.', [[{}, storedBlobs]]);
  gauge('tidemark_stored_bytes', 'Size of the stored blobs.', [[{}, storedBytes]]);
}
