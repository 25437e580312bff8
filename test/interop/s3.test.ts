/** Blobs in a real S3 server, behind real processes: a large image in, and out again through clients that others wrote. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOwnDistribution } from '../../src/db/distributions/distributions.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { openStack } from '../processes/stack.ts';
import type { Stack } from '../processes/stack.ts';
import { startS3Server } from '../support/servers/s3-server.ts';
import type { S3Server } from '../support/servers/s3-server.ts';
import { runPeer, skipWithout, startDockerRegistry } from './peers.ts';
import { pushSample } from './push-sample.ts';
import type { RealRegistry } from './peers.ts';

const MIB = 1024 * 1024;

function names(sample: SampleRepository): string[] {
  return [...sample.blobs.keys()].map((digest) => digest.slice(7));
}

describe.skipIf(skipWithout('versitygw', 'docker-registry', 'crane', 'skopeo'))('blobs in S3', () => {
  let server: S3Server;
  let registry: RealRegistry;
  let stack: Stack;
  let otherData: string;
  let host: string;
  const content = createSampleRepository();
  // the first goes in parts of 64 MiB
  const image = addImage(content, { seed: 's3', layers: [70 * MIB, 30 * MIB, 2_000, 3_000], tag: 'big' });
  const pushed = createSampleRepository();
  const seed = `pushed-${randomBytes(4).toString('hex')}`;
  addImage(pushed, { seed, layers: [66 * MIB, 5_000], tag: 'v1' });

  beforeAll(async () => {
    server = await startS3Server();
    registry = await startDockerRegistry();
    await pushSample(registry.url, 'team/big', content);
    stack = await openStack({ settings: server.settings() });
    otherData = await mkdtemp(join(tmpdir(), 'tidemark-other-'));
    const api = await stack.launch('api');
    await stack.launch('worker');
    await stack.launch('worker', { TIDEMARK_DATA: otherData });
    host = /API ready on http:\/\/([\d.:]+)/.exec(api.output())?.[1] ?? '';
  });
  afterAll(async () => {
    await stack?.close();
    await registry?.stop();
    await server?.stop();
    await rm(otherData, { recursive: true, force: true });
  });

  const objects = () => readdir(join(server.folder, 'tidemark', 'blobs', 'sha256'));

  test('two workers on two data folders bring a large image into one bucket, and crane validates it', async () => {
    const ids = await stack.createRepository({ url: registry.url, upstreamName: 'team/big' });
    const em = stack.em();
    const repository = await em.findOneOrFail(Repository, { id: ids.repositoryId });
    await createOwnDistribution(em, repository);
    const task = await stack.finish(await stack.start(ids));
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    expect((await objects()).sort()).toEqual(names(content).sort());
    for (const name of await objects()) {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(join(server.folder, 'tidemark', 'blobs', 'sha256', name)))
        hash.update(chunk as Buffer);
      expect(hash.digest('hex')).toBe(name);
    }
    for (const folder of [stack.dataDir, otherData])
      expect(await readdir(join(folder, 'partial'))).toEqual([]);
    await runPeer('crane', 'validate', '--insecure', '--remote', `${host}/${repository.name}:big`);
    expect(
      String(await runPeer('crane', 'digest', '--insecure', `${host}/${repository.name}:big`)).trim(),
    ).toBe(image.digest);
  });

  test('a push is stored in the bucket, and pulls are redirected to signed addresses', async () => {
    await pushSample(`http://${host}`, 'team/pushed', pushed);
    expect(await objects()).toEqual(expect.arrayContaining(names(pushed)));
    expect(await readdir(join(stack.dataDir, 'uploads'))).toEqual([]);
    const sending = stack.run(['api'], {
      ...server.settings('&redirect=true'),
      TIDEMARK_DATA: otherData,
    });
    await sending.says('API ready');
    const other = /API ready on http:\/\/([\d.:]+)/.exec(sending.output())?.[1] ?? '';
    const [digest = '', bytes = Buffer.alloc(0)] = [...pushed.blobs].at(-1) ?? [];
    const answer = await fetch(`http://${other}/v2/team/pushed/blobs/${digest}`, { redirect: 'manual' });
    expect(answer.status).toBe(307);
    expect(answer.headers.get('location')).toContain(`${server.url}/`);
    const direct = await fetch(`http://${other}/v2/team/pushed/blobs/${digest}`);
    expect(Buffer.from(await direct.arrayBuffer()).equals(bytes)).toBe(true);
    await runPeer('crane', 'validate', '--insecure', '--remote', `${other}/team/pushed:v1`);
    const layout = `oci:${join(otherData, 'layout')}:v1`;
    await runPeer('skopeo', 'copy', '--src-tls-verify=false', `docker://${other}/team/pushed:v1`, layout);
  });
});
