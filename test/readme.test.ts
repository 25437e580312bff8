/** The tour of the README and of docs/tour.md works, the table of settings is complete, and links lead somewhere. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, addIndex, createSampleRepository } from '../src/demo/sample-image.ts';
import { startSampleUpstream } from '../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../src/demo/sample-upstream.ts';
import { projectRoot } from './support/import-graph.ts';
import { startHarnessApi } from './support/api/harness-api.ts';
import type { HarnessApi } from './support/api/harness-api.ts';
import { startSyncHarness } from './support/sync/sync-harness.ts';
import type { SyncHarness } from './support/sync/sync-harness.ts';

const readPage = (path: string) => readFileSync(join(projectRoot, path), 'utf8');
const readme = readPage('README.md');
const settings = readPage('docs/settings.md');
const pages = [
  'README.md',
  ...readdirSync(join(projectRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const tour = [
  ...(readme + readPage('docs/tour.md')).matchAll(/^<!-- tour -->\n```(graphql|sh)\n([^]*?)^```$/gm),
].map(([, language = '', text = '']) => ({ language, text }));

let harness: SyncHarness;
let upstream: SampleUpstream;
let api: HarnessApi;

const content = createSampleRepository();
const images = ['amd64', 'arm64'].map((architecture) =>
  addImage(content, {
    seed: `alpine-${architecture}`,
    layers: [50_000],
    platform: { os: 'linux', architecture },
  }),
);
addIndex(content, { manifests: images, tag: 'latest' });
for (const tag of ['3.20', '3.21', '3.21-rc1', 'edge'])
  addImage(content, { seed: tag, layers: [20_000], tag });

beforeAll(async () => {
  harness = await startSyncHarness();
  upstream = await startSampleUpstream({ repositories: new Map([['library/alpine', content]]) });
  api = await startHarnessApi(harness, { config: { temporalUiUrl: 'http://127.0.0.1:8233' } });
});
afterAll(async () => {
  await api?.close();
  await upstream?.close();
  await harness?.close();
});

test('the tour lists, creates, syncs, subscribes, and reads the version', async () => {
  expect(tour.map(({ language }) => language)).toEqual([
    'sh',
    'graphql',
    'graphql',
    'graphql',
    'sh',
    'graphql',
  ]);
  const [list, createRemote, createRepository, sync, subscribe, read] = tour.map(({ text }) => text);

  expect(JSON.parse(await runShell(list))).toMatchObject({ data: { repositories: { nodes: [] } } });

  const { remoteCreate } = await ask(createRemote, {});
  expect(remoteCreate).toEqual({ remote: { id: expect.any(String) }, userErrors: [] });
  const { repositoryCreate } = await ask(createRepository, { remoteId: remoteCreate.remote.id });
  expect(repositoryCreate).toEqual({ repository: { id: expect.any(String) }, userErrors: [] });
  const { repositorySync } = await ask(sync, { repositoryId: repositoryCreate.repository.id });
  expect(repositorySync).toEqual({
    task: {
      id: expect.any(String),
      state: expect.stringMatching(/^(WAITING|RUNNING)$/),
      temporalUrl: expect.stringContaining('http://127.0.0.1:8233/'),
    },
    userErrors: [],
  });

  const taskId = repositorySync.task.id;
  const events = await runShell(subscribe?.replace('TASK_ID', taskId));
  const states = [...events.matchAll(/"state":"(\w+)"/g)].map(([, state]) => state);
  expect(states.at(-1)).toBe('COMPLETED');
  expect(events.trimEnd()).toMatch(/event: complete/);

  const { task } = await ask(read, { taskId });
  expect(task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: {
      number: 1,
      contentSummary: {
        present: { tags: 3, manifests: 5, blobs: 8 },
        added: { tags: 3, manifests: 5, blobs: 8 },
        removed: { tags: 0, manifests: 0, blobs: 0 },
      },
      tags: {
        nodes: ['3.20', '3.21', 'latest'].map((name) => ({ name, digest: content.tags.get(name) })),
      },
      tag: {
        manifest: { manifests: [{ platform: 'linux/amd64' }, { platform: 'linux/arm64' }] },
      },
    },
  });
});

test('the table of settings has each that the configuration reads, and no other', () => {
  const source = readFileSync(join(projectRoot, 'src', 'config.ts'), 'utf8');
  expect(names(settings, /^\| `([A-Z_]+)` \|/gm)).toEqual(
    names(source, /'(TIDEMARK_[A-Z_]+|TEMPORAL_[A-Z_]+|DATABASE_URL|LOG_LEVEL)'/g),
  );
});

test.each(pages)('the links of %s lead to files', (page) => {
  const links = [...readPage(page).matchAll(/\]\(([^):#]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path);
  for (const path of links) expect(existsSync(join(projectRoot, dirname(page), path)), path).toBe(true);
});

test('the README has at most 150 lines', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(150);
});

function names(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();
}

/** The README's addresses are a person's; here they are this test's. */
function localize(text: string | undefined): string {
  return (text ?? '')
    .replaceAll('http://127.0.0.1:4000', api.url)
    .replaceAll('https://registry-1.docker.io', upstream.url);
}

async function runShell(text: string | undefined): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-euc', localize(text)], { timeout: 45_000 });
  return stdout;
}

const ask = (query: string | undefined, variables: object) => api.data(localize(query), variables);

test('each file and folder that a page names is there', () => {
  const docs = readdirSync(join(projectRoot, 'docs')).filter((name) => name.endsWith('.md'));
  const all = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs.map((name) => `docs/${name}`)];
  const named = all.flatMap((page) =>
    [...readPage(page).matchAll(/`((?:src|test|scripts|docs|bench)\/[\w./-]+)`/g)].map(([, path = '']) => ({
      page,
      path,
    })),
  );
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter(({ path }) => !existsSync(join(projectRoot, path)))).toEqual([]);
});
