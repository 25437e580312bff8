/** A stack of its own, with an upstream that can be held up, and the check that a sync ended in exactly the right version. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { until } from '../support/until.ts';
import { openStack } from './stack.ts';
import type { Ids, Stack, StackOptions } from './stack.ts';

export const upstreamName = 'library/app';
export const routes = {
  list: `GET /v2/${upstreamName}/tags/list`,
  manifest: `GET /v2/${upstreamName}/manifests/two`,
};

export interface Scene {
  readonly stack: Stack;
  readonly upstream: FakeUpstream;
  readonly content: SampleRepository;
  readonly ids: Ids;
  /** The largest blob of the content, of some 600 KB, and the route that it has upstream. */
  readonly large: { readonly digest: string; readonly bytes: Buffer; readonly route: string };
  /** Holds up the next request of a route; `reached` waits for it, `open` lets it and all later ones go on. */
  hold(route: string): { reached(): Promise<void>; open(): void };
  /** Exactly these versions of the content as it is now: one, unless said otherwise. Blob files are hashed again. */
  expectWhole(): Promise<void>;
  close(): Promise<void>;
}

let scenes = 0;

export async function openScene(
  options: StackOptions & { readonly remote?: Partial<Remote>; readonly upstreamHost?: string } = {},
): Promise<Scene> {
  scenes += 1;
  const seed = `processes-${process.pid}-${scenes}`;
  const content = createSampleRepository();
  addImage(content, { seed, layers: [2_000, 600_000, 3_000], tag: 'one' });
  addImage(content, { seed: `${seed}-two`, layers: [4_000], tag: 'two' });
  const serve = sampleAnswers(content);
  const { upstreamHost: host = '127.0.0.1' } = options;
  const upstream = await openFakeUpstream({ fallback: serve, host });
  const stack = await openStack(options);
  const ids = await stack.createRepository({ url: upstream.url, upstreamName, ...options.remote });
  const [digest, bytes] = [...content.blobs].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  if (digest === undefined || bytes === undefined) throw new Error('there is no blob');

  return {
    stack,
    upstream,
    content,
    ids,
    large: { digest, bytes, route: `GET /v2/${upstreamName}/blobs/${digest}` },

    hold(route) {
      const opened = Promise.withResolvers<undefined>();
      const before = upstream.requestsOf(route).length;
      const held: Answer = async (request, response) => {
        await opened.promise;
        if (!response.destroyed && typeof serve === 'function') await serve(request, response);
      };
      upstream.on(route, held);
      return {
        reached: () => until(() => upstream.requestsOf(route).length > before),
        open: () => opened.resolve(undefined),
      };
    },

    async expectWhole() {
      expect(await stack.versions(ids.repositoryId)).toEqual([
        { number: 1, tags: Object.fromEntries(content.tags), blobs: [...content.blobs.keys()].sort() },
      ]);
      for (const blob of content.blobs.keys()) {
        const stored = await readFile(join(stack.dataDir, 'blobs/sha256', blob.slice('sha256:'.length)));
        expect(`sha256:${createHash('sha256').update(stored).digest('hex')}`).toBe(blob);
      }
    },

    async close() {
      await stack.close();
      await upstream.close();
    },
  };
}

/** All of the announced bytes but the last `missing`, and then nothing more. */
export function stuck(bytes: Buffer, missing: number): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-length': String(bytes.length) });
    response.write(bytes.subarray(0, bytes.length - missing));
  };
}
