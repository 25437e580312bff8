/** `tidemark start` is killed, and started again on the same data folder. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { v8Flags } from '../../src/cli/begin-anew.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { stopAbandonedServers } from '../support/servers/abandoned-servers.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { until } from '../support/until.ts';
import { launch } from '../support/program/program.ts';
import type { Program } from '../support/program/program.ts';

test('fault 95: after a SIGKILL of every process, start resumes the sync; a second start reports the first', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-again-'));
  const content = createSampleRepository();
  addImage(content, { seed: 'again', layers: [300_000, 5_000], tag: 'one' });
  const [digest = ''] = [...content.blobs].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  const upstream = await openFakeUpstream({ fallback: sampleAnswers(content) });
  const programs: Program[] = [];
  const run = (...args: string[]): Program => {
    const program = launch(args, { TIDEMARK_DATA: dataDir, TIDEMARK_PORT: '0' });
    programs.push(program);
    return program;
  };
  try {
    const first = run('start');
    await first.says('Tidemark is ready');
    await first.says('Data ');
    // as it told itself (src/cli/begin-anew.ts), and under the id that it was started with
    if (process.platform === 'linux')
      expect((await readFile(`/proc/${first.pid}/cmdline`, 'utf8')).split('\0')).toEqual(
        expect.arrayContaining([...v8Flags, 'start']),
      );
    const second = run('start');
    expect(await second.ended()).toBe(1);
    expect(second.output()).toContain(
      `ALREADY_RUNNING: Tidemark already runs (pid ${first.pid}) on ${dataDir}`,
    );
    expect(second.output()).toContain(first.apiUrl());

    const route = `GET /v2/library/app/blobs/${digest}`;
    upstream.on(route, () => undefined);
    const { remoteCreate } = (await first.data(
      'mutation ($url: String!) { remoteCreate(input: { name: "r", url: $url, upstreamName: "library/app" }) { remote { id } } }',
      { url: upstream.url },
    )) as { remoteCreate: { remote: { id: string } } };
    const { repositoryCreate } = (await first.data(
      'mutation ($remoteId: ID!) { repositoryCreate(input: { name: "r", remoteId: $remoteId }) { repository { id } } }',
      { remoteId: remoteCreate.remote.id },
    )) as { repositoryCreate: { repository: { id: string } } };
    const { repositorySync } = (await first.data(
      'mutation ($id: ID!) { repositorySync(input: { repositoryId: $id }) { task { id } } }',
      { id: repositoryCreate.repository.id },
    )) as { repositorySync: { task: { id: string } } };
    await until(() => upstream.requestsOf(route).length > 0);
    await first.end('SIGKILL');
    await stopAbandonedServers(dataDir);
    upstream.on(route, sampleAnswers(content));

    const third = run('start');
    await third.says('Data ');
    const read = async () =>
      (await third.data(
        'query ($id: ID!) { task(id: $id) { state createdVersion { number } } }',
        repositorySync.task,
      )) as { task: { state: string; createdVersion: { number: number } | null } };
    await until(async () => !['WAITING', 'RUNNING'].includes((await read()).task.state));
    expect(await read()).toEqual({ task: { state: 'COMPLETED', createdVersion: { number: 1 } } });
    expect(await third.end('SIGTERM')).toBe(0);
  } finally {
    await Promise.all(programs.map((program) => program.end('SIGKILL')));
    await stopAbandonedServers(dataDir);
    await upstream.close();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
});
