/** Uploads without stickiness: each request at another API process, and processes are killed in the middle, on a shared folder and on S3. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../interop/peers.ts';
import { pull } from '../support/api/pull.ts';
import type { PullAnswer } from '../support/api/pull.ts';
import { startS3Server } from '../support/servers/s3-server.ts';
import type { S3Server } from '../support/servers/s3-server.ts';
import type { Program } from '../support/program/program.ts';
import { until } from '../support/until.ts';
import { somethingWaits, withOperator } from './operator.ts';
import { openStack } from './stack.ts';
import type { Stack } from './stack.ts';

const rangeOf = (start: number, end: number) => ({ 'content-range': `${start}-${end - 1}` });

describe.each(['a folder', 'S3'])('replicas on %s', (store) => {
  const isSkipped = store === 'S3' && skipWithout('versitygw');
  let server: S3Server | undefined;
  let stack: Stack;
  let programs: Program[];
  let urls: string[];
  const folders: string[] = [];
  beforeAll(async () => {
    if (isSkipped) return;
    if (store === 'S3') server = await startS3Server();
    stack = await openStack({ settings: server?.settings() ?? {} });
    // Blobs in S3: no process sees the folder of another one.
    if (store === 'S3')
      for (let turn = 0; turn < 2; turn += 1)
        folders.push(await mkdtemp(join(tmpdir(), 'tidemark-replica-')));
    programs = await Promise.all(
      [0, 1].map((turn) =>
        stack.launch('api', folders[turn] === undefined ? {} : { TIDEMARK_DATA: folders[turn] }),
      ),
    );
    urls = programs.map((program) => /API ready on (http:\/\/[\d.:]+)/.exec(program.output())?.[1] ?? '');
  });
  afterAll(async () => {
    await stack?.close();
    await server?.stop();
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  });

  const send = (
    replica: number,
    method: string,
    path: string,
    body?: Buffer,
    headers: Record<string, string> = {},
  ): Promise<PullAnswer> =>
    pull(urls[replica % urls.length] ?? '', {
      method,
      path,
      body,
      headers: { 'content-length': String(body?.length ?? 0), ...headers },
    });

  test.skipIf(isSkipped)(
    'fault 72: an upload goes on at any process, also after a kill, and is never mixed',
    async () => {
      const bytes = randomBytes(3_000_000);
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const begun = await send(0, 'POST', '/v2/team/app/blobs/uploads/');
      const path = String(begun.headers.location);
      expect(await send(1, 'PATCH', path, bytes.subarray(0, 700_000), rangeOf(0, 700_000))).toMatchObject({
        status: 202,
      });
      expect(await send(0, 'PATCH', path, bytes.subarray(700_000, 1_000_000))).toMatchObject({
        status: 202,
        headers: { range: '0-999999' },
      });
      expect(await send(1, 'GET', path)).toMatchObject({ status: 204, headers: { range: '0-999999' } });

      const both = await Promise.all(
        [0, 1].map((replica) =>
          send(replica, 'PATCH', path, bytes.subarray(1_000_000, 1_500_000), rangeOf(1_000_000, 1_500_000)),
        ),
      );
      expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([202, 416]);

      await dieInBody(urls.pop() ?? '', path, bytes.subarray(1_500_000, 2_500_000), programs.at(-1));
      const { headers } = await send(1, 'GET', path);
      const received = Number(headers.range?.split('-')[1]) + 1;
      expect(received).toBeGreaterThanOrEqual(1_500_000);
      const next = await send(
        0,
        'PATCH',
        path,
        bytes.subarray(received, 2_800_000),
        rangeOf(received, 2_800_000),
      );
      expect(next).toMatchObject({ status: 202, headers: { range: '0-2799999' } });
      expect(await send(1, 'PUT', `${path}?digest=${digest}`, bytes.subarray(2_800_000))).toMatchObject({
        status: 201,
      });
      const served = await send(0, 'GET', `/v2/team/app/blobs/${digest}`);
      expect(createHash('sha256').update(served.body).digest('hex')).toBe(digest.slice(7));
      expect(await send(0, 'GET', path)).toMatchObject({ status: 404 });
      if (server !== undefined)
        expect(await filesBelow(join(server.folder, 'tidemark', 'uploads'))).toEqual([]);
    },
  );

  test.skipIf(isSkipped)(
    'fault 72: killed between storing a blob and recording it: the same PUT completes the upload, and no other one',
    () =>
      withOperator(stack, async (operator) => {
        const bytes = randomBytes(300_000);
        const hex = createHash('sha256').update(bytes).digest('hex');
        const close = (location: string, of = hex) => send(0, 'PUT', `${location}?digest=sha256:${of}`);
        const path = String((await send(0, 'POST', '/v2/team/killed/blobs/uploads/')).headers.location);
        await send(0, 'PATCH', path, bytes);
        const blobs = server === undefined ? stack.dataDir : join(server.folder, 'tidemark');
        await operator.query('begin; lock table repository_blob in share mode');
        const cut = close(path).catch((error: unknown) => error);
        await until(
          async () =>
            (await somethingWaits(operator)) && (await filesBelow(join(blobs, 'blobs'))).includes(hex),
        );
        await programs[0]?.end('SIGKILL');
        expect(await cut).toBeInstanceOf(Error);
        await operator.query('commit');
        const next = await stack.launch('api');
        urls = [next.apiUrl()];

        const other = String((await send(0, 'POST', '/v2/team/other/blobs/uploads/')).headers.location);
        expect(await close(other)).toMatchObject({ status: 400 });
        expect(await send(0, 'GET', `/v2/team/killed/blobs/sha256:${hex}`)).toMatchObject({ status: 404 });
        expect(await send(0, 'GET', path)).toMatchObject({ status: 204, headers: { range: '0-299999' } });
        const created = { status: 201, headers: { 'docker-content-digest': `sha256:${hex}` } };
        // The second one is what a client sends that was killed before it had the first answer.
        for (const answer of [await close(path), await close(path)]) expect(answer).toMatchObject(created);
        expect(await close(path, '0'.repeat(64))).toMatchObject({ status: 404 });
        expect(await close(path.replace('killed', 'other'))).toMatchObject({ status: 404 });
        const served = await send(0, 'GET', `/v2/team/killed/blobs/sha256:${hex}`);
        expect(served.body.equals(bytes)).toBe(true);
      }),
  );
});

/** Sends half of a chunk, and kills the process that receives it. */
async function dieInBody(
  url: string,
  path: string,
  chunk: Buffer,
  program: Program | undefined,
): Promise<void> {
  const { hostname, port } = new URL(url);
  const sent = request({
    hostname,
    port,
    path,
    method: 'PATCH',
    headers: { 'content-length': chunk.length },
    agent: false,
  });
  const failed = once(sent, 'error');
  await new Promise<void>((resolve, reject) =>
    sent.write(chunk.subarray(0, chunk.length / 2), (error) =>
      error instanceof Error ? reject(error) : resolve(),
    ),
  );
  await program?.end('SIGKILL');
  await failed;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
