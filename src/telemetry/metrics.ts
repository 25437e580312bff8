import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { createBoundedLabel } from './bounded-labels.ts';
import { requestServed, staleTagServed, taskEnded, upstreamEvents, webhookAttempted } from './events.ts';
import type { ServedRequest } from './events.ts';

/** The metrics that a process counts itself. */
export interface ProcessMetrics {
  /** In Prometheus' text format. */
  print(): Promise<string>;
  /** Ends counting. */
  close(): void;
}

/** Of the labels `host` and `reason`. */
const mostValues = 100;
const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const syncSeconds = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400];

export function createProcessMetrics(): ProcessMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const stops = [
    ...countUpstreams(registry),
    countTasks(registry),
    countServed(registry),
    countStale(registry),
    countWebhooks(registry),
  ];
  return {
    print: () => registry.metrics(),
    close() {
      for (const stop of stops) stop();
      registry.clear();
    },
  };
}

function countUpstreams(registry: Registry): (() => unknown)[] {
  const registers = [registry];
  const hostOf = createBoundedLabel(mostValues);
  const requests = new Counter({
    name: 'tidemark_upstream_requests_total',
    help: 'Requests to upstreams by host and status; "error": no answer. Beyond 100 hosts, others are "other".',
    labelNames: ['host', 'status'],
    registers,
  });
  const bytes = new Counter({
    name: 'tidemark_upstream_bytes_total',
    help: 'Bytes of bodies from upstreams.',
    labelNames: ['host'],
    registers,
  });
  const throttled = new Counter({
    name: 'tidemark_upstream_throttled_total',
    help: 'Answers 429 of upstreams.',
    labelNames: ['host'],
    registers,
  });
  const duration = new Histogram({
    name: 'tidemark_upstream_request_duration_seconds',
    help: 'Time until the head of the answer.',
    labelNames: ['host'],
    buckets: requestSeconds,
    registers,
  });
  return [
    upstreamEvents.answered.subscribe(({ host, status, headSeconds }) => {
      const label = hostOf(host);
      requests.inc({ host: label, status: statusLabel(status ?? 0) });
      duration.observe({ host: label }, headSeconds);
      // Series begin at 0, so that a rate sees the first failure.
      requests.inc({ host: label, status: 'error' }, 0);
      throttled.inc({ host: label }, status === 429 ? 1 : 0);
    }),
    upstreamEvents.received.subscribe(({ host, chunkBytes }) =>
      bytes.inc({ host: hostOf(host) }, chunkBytes),
    ),
    upstreamEvents.ended.subscribe(({ host, status }) => {
      if (status === undefined) requests.inc({ host: hostOf(host), status: 'error' });
    }),
  ];
}

/** Upstreams choose the status, and each is a series. */
const usualStatuses = new Set([
  200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 416, 429, 500, 502,
  503, 504,
]);

function statusLabel(status: number): string {
  return usualStatuses.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;
}

function countTasks(registry: Registry): () => unknown {
  const registers = [registry];
  const reasonOf = createBoundedLabel(mostValues);
  const ended = new Counter({
    name: 'tidemark_tasks_ended_total',
    help: 'Tasks that this process has ended, by kind, outcome and trigger.',
    labelNames: ['name', 'outcome', 'trigger'],
    registers,
  });
  const failures = new Counter({
    name: 'tidemark_repository_sync_failures_total',
    help: 'Failed syncs by the code of the error.',
    labelNames: ['reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'tidemark_repository_sync_duration_seconds',
    help: 'Duration of ended syncs, since a worker took them.',
    labelNames: ['outcome'],
    buckets: syncSeconds,
    registers,
  });
  return taskEnded.subscribe(({ name, outcome, trigger, code, seconds }) => {
    ended.inc({ name, outcome, trigger });
    if (name !== 'repository.sync') return;
    duration.observe({ outcome }, seconds);
    if (outcome === 'FAILED') failures.inc({ reason: reasonOf(code ?? 'INTERNAL') });
  });
}

function countServed(registry: Registry): () => unknown {
  const registers = [registry];
  const pulls = new Counter({
    name: 'tidemark_pull_requests_total',
    help: 'GET and HEAD requests to /v2/ by resource and result.',
    labelNames: ['resource', 'result'],
    registers,
  });
  const pushes = new Counter({
    name: 'tidemark_push_requests_total',
    help: 'Other requests to /v2/ by resource and result.',
    labelNames: ['resource', 'result'],
    registers,
  });
  const bytes = new Counter({
    name: 'tidemark_pull_sent_bytes_total',
    help: 'Bytes sent to clients that pull, with the heads of the answers.',
    registers,
  });
  const pullDuration = new Histogram({
    name: 'tidemark_pull_duration_seconds',
    help: 'Time until the answer to a pull is sent.',
    labelNames: ['resource'],
    buckets: requestSeconds,
    registers,
  });
  const graphqlDuration = new Histogram({
    name: 'tidemark_graphql_duration_seconds',
    help: 'Time until the answer to a GraphQL request over HTTP is sent.',
    buckets: requestSeconds,
    registers,
  });
  for (const resource of ['manifest', 'blob'])
    for (const result of ['ok', 'error']) pulls.inc({ resource, result }, 0);
  return requestServed.subscribe((served) => {
    const { area, resource } = served;
    if (area === 'graphql') graphqlDuration.observe(served.seconds);
    if (area === 'push') pushes.inc({ resource, result: resultOf(served) });
    if (area !== 'pull') return;
    pulls.inc({ resource, result: resultOf(served) });
    bytes.inc(served.bytes);
    pullDuration.observe({ resource }, served.seconds);
  });
}

function countStale(registry: Registry): () => unknown {
  const stale = new Counter({
    name: 'tidemark_stale_tags_total',
    help: 'Tags that were served although the upstream has not confirmed them, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });
  return staleTagServed.subscribe(({ reason }) => stale.inc({ reason }));
}

function countWebhooks(registry: Registry): () => unknown {
  const deliveries = new Counter({
    name: 'tidemark_webhook_deliveries_total',
    help: 'Attempts to deliver events to webhooks by result; "retried": there will be another attempt.',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of ['delivered', 'retried', 'failed']) deliveries.inc({ result }, 0);
  return webhookAttempted.subscribe(({ result }) => deliveries.inc({ result }));
}

const results = new Map([
  [401, 'unauthorized'],
  [403, 'denied'],
  [404, 'not_found'],
  [429, 'throttled'],
]);

function resultOf({ status, isAborted }: ServedRequest): string {
  if (isAborted) return 'aborted';
  if (status < 400) return 'ok';
  return results.get(status) ?? (status < 500 ? 'invalid' : 'error');
}
