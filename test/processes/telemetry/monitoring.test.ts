/** The dashboard and the alert rules of deploy/, on a real Prometheus that scrapes a real API and a real worker. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../src/embedded/server-process.ts';
import { findPeer, skipWithout } from '../../interop/peers.ts';
import { projectRoot } from '../../support/import-graph.ts';
import { openPrometheus } from '../../support/servers/prometheus.ts';
import { goodRepository } from '../../support/sync/stage.ts';
import { json, openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { until } from '../../support/until.ts';
import { openStack } from '../stack.ts';
import type { Stack } from '../stack.ts';

const alertsFile = join(projectRoot, 'deploy/prometheus/alerts.yml');
const dashboardFile = join(projectRoot, 'deploy/grafana/tidemark.json');
const run = promisify(execFile);

const { groups } = parse(await readFile(alertsFile, 'utf8')) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr] as const));
const { panels } = JSON.parse(await readFile(dashboardFile, 'utf8')) as {
  panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
};
const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => [`${title}: ${legendFormat}`, expr] as const),
);

const list = (name: string) => `GET /v2/library/${name}/tags/list`;

describe.skipIf(skipWithout('prometheus', 'promtool'))('monitoring', () => {
  const open: { close(): Promise<void> }[] = [];
  let prometheus: Awaited<ReturnType<typeof openPrometheus>>;
  let workerMetrics = '';
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ settings: { TIDEMARK_METRICS_REPOSITORIES: 'on' } });
    open.push(stack);
    const workerAddress = `127.0.0.1:${await freePort()}`;
    const [api] = await Promise.all([
      stack.launch('api'),
      stack.launch('worker', { TIDEMARK_METRICS_ADDRESS: workerAddress }),
    ]);
    workerMetrics = `http://${workerAddress}/metrics`;
    const upstream = await openFakeUpstream({ fallback: sampleAnswers(goodRepository('monitored')) });
    open.push(upstream);
    const targets = [new URL(api.apiUrl()).host, workerAddress];
    prometheus = await openPrometheus(findPeer('prometheus') ?? '', { targets, rules: alertsFile });
    open.push(prometheus);
    const good = await stack.createRepository({ url: upstream.url, upstreamName: 'library/app' });
    const bad = await stack.createRepository({ url: upstream.url, upstreamName: 'library/denied' });
    upstream.on(list('denied'), json({ errors: [{ code: 'DENIED' }] }, {}, 403));
    const busy = await stack.createRepository({ url: upstream.url, upstreamName: 'library/busy' });
    upstream.on(list('busy'), json({}, { 'retry-after': '1' }, 429), json({ tags: [] }));
    // a counter counts from its second sample on
    const series = 'count(process_cpu_seconds_total)';
    await until(async () => (await prometheus.query(series)).data?.result[0]?.value[1] === '2');
    const rounds = async (): Promise<void> => {
      for (const ids of [good, bad, busy]) await stack.finish(await stack.start(ids));
      const paths = ['/v2/', '/v2/none/manifests/latest', '/v2/none/blobs/uploads/'];
      for (const path of paths)
        await fetch(`${api.apiUrl()}${path}`, { method: path.endsWith('uploads/') ? 'POST' : 'GET' });
      await api.graphql('{ estate { storage { storedBytes } } }').catch(() => undefined);
    };
    await rounds();
    await until(
      async () => (await prometheus.query('tidemark_upstream_throttled_total')).data?.result.length === 1,
    );
    await rounds();
  }, 180_000);
  afterAll(async () => {
    for (const part of open.toReversed()) await part.close();
  });

  test('promtool accepts the alert rules', async () => {
    const { stdout } = await run(findPeer('promtool') ?? '', ['check', 'rules', alertsFile]);
    expect(stdout).toContain(`${alerts.length} rules found`);
  });

  /** A rate needs two samples that differ, a second apart. */
  async function expectResult(query: string): Promise<void> {
    let said = '';
    const answers = async (): Promise<boolean> => {
      const { status, error, data } = await prometheus.query(query);
      said = error ?? '';
      return status === 'error' || (data?.result.length ?? 0) > 0;
    };
    await until(answers, { atMostMs: 30_000 });
    expect(said).toBe('');
  }

  test.each(queries)('the dashboard has data: %s', async (_, expr) => {
    await expectResult(expr.replaceAll('$__rate_interval', '1m').replaceAll('$host', '.*'));
  });

  test.each(alerts)('the alert %s compares data', async (alert, expr) => {
    // what is compared: the value is not beyond its limit here
    const [compared = ''] = expr.split(/ (?:>|==) [\d.]+$/);
    await expectResult(alert === 'TidemarkAbsent' ? 'tidemark_build_info' : compared);
  });

  test('Prometheus evaluates all rules', async () => {
    await until(async () => (await prometheus.rules()).every(({ health }) => health !== 'unknown'));
    const states = await prometheus.rules();
    expect(states.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(states).toHaveLength(alerts.length);
  });

  test('a second process with the same address of metrics ends at its start, before it takes work', async () => {
    const second = stack.run(['worker'], { TIDEMARK_METRICS_ADDRESS: new URL(workerMetrics).host });
    expect(await second.ended()).toBe(1);
    expect(second.output()).toContain(
      `PORT_UNAVAILABLE: The metrics cannot be served on ${new URL(workerMetrics).host}, which is taken by another program.`,
    );
    expect(second.output()).not.toContain('Worker ready');
  });

  test('no series has a tag, a digest or a query, and a worker shows what it counts', async () => {
    const text = await (await fetch(workerMetrics)).text();
    expect(text).toMatch(/tidemark_upstream_requests_total\{host="127\.0\.0\.1:\d+",status="403"\} [1-9]/);
    expect(text).toMatch(/tidemark_repository_sync_failures_total\{reason="[A-Z_]+"\} [1-9]/);
    expect(text).not.toMatch(/sha256:|good|multi|library/);
  });
});
