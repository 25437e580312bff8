/** Debian's Prometheus on a free port, scraping what a test names once a second. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../src/embedded/server-process.ts';
import { until } from '../until.ts';

export interface QueryAnswer {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

export interface RuleState {
  readonly name: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
}

export async function openPrometheus(
  binary: string,
  { targets, rules }: { readonly targets: readonly string[]; readonly rules: string },
) {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  const settings = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'tidemark', static_configs: [{ targets }] }],
  };
  // YAML has JSON in it
  await writeFile(config, JSON.stringify(settings));
  const url = `http://127.0.0.1:${await freePort()}`;
  const server = spawn(
    binary,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${new URL(url).host}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = once(server, 'exit');
  const read = async <T>(path: string, parameters: Record<string, string> = {}): Promise<T> =>
    (await (await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)).json()) as T;
  await until(() =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    query: (query: string) => read<QueryAnswer>('query', { query }),
    async rules(): Promise<RuleState[]> {
      const { data } = await read<{ data: { groups: { rules: RuleState[] }[] } }>('rules');
      return data.groups.flatMap((group) => group.rules);
    },
    async close(): Promise<void> {
      server.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
