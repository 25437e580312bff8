/** A Tidemark that mirrors another one: both on one stage, with the API between them. To be called at the top of a test file. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { startHarnessApi } from '../api/harness-api.ts';
import type { HarnessApi } from '../api/harness-api.ts';
import { answersWithReferrers } from '../signatures/signed-sample.ts';
import type { Answer } from '../upstream/fake-upstream.ts';
import { forward } from '../upstream/forward.ts';
import { useDirectStage } from './direct-stage.ts';
import type { Scene, SceneOptions } from './stage.ts';

export interface Chain {
  readonly repository: SampleRepository;
  /** A mirror of the sample. */
  readonly near: Scene;
  /** A mirror of `near`; its upstream passes all on and counts. */
  readonly far: Scene;
  /** Syncs `near` after changes. */
  readonly publish: () => Promise<void>;
  /** Syncs `far`. @returns its requests */
  readonly sync: () => Promise<string[]>;
}

/** Of the sample, each with an image. */
export const chainTags = ['a', 'b', 'c'];

export const changesPath = (name: string): string => `/v2/${name}/_tidemark/tags/changes`;

export function useChains() {
  const opened = useDirectStage();
  const running = {} as { api: HarnessApi };
  beforeAll(async () => {
    running.api = await startHarnessApi(opened.stage.harness);
  });
  afterAll(() => running.api?.close());
  const em = () => opened.stage.harness.em();
  const url = () => running.api.url;

  return {
    opened,
    em,
    url,
    /** `near` has the name. */
    async open(
      name: string,
      remote: SceneOptions['remote'] = {},
      answer: Answer = forward(url),
    ): Promise<Chain> {
      const repository = createSampleRepository();
      for (const tag of chainTags) addImage(repository, { seed: `${name}-${tag}`, layers: [100], tag });
      const upstream = { fallback: answersWithReferrers(repository) };
      const near = await opened.stage.open({ repository, name, upstream });
      const far = await opened.stage.open({
        repository,
        upstream: { fallback: answer },
        remote: { upstreamName: name, ...remote },
      });
      return {
        repository,
        near,
        far,
        publish: async () => expect(await opened.direct.run(near.ids, true)).toBe(undefined),
        async sync() {
          far.upstream.requests.length = 0;
          expect(await opened.direct.run(far.ids, true)).toBe(undefined);
          return far.upstream.requests.map(
            ({ method, path }) => `${method} ${path.split('?', 1)[0]?.replace(`/v2/${name}`, '')}`,
          );
        },
      };
    },
    /** The state that the list of tags announces. */
    async stateOf(name: string): Promise<string> {
      return (await fetch(`${url()}/v2/${name}/tags/list`)).headers.get('tidemark-state') ?? '';
    },
    async lastTask({ ids }: Scene) {
      const found = await sql<{
        state: string;
        difference: boolean;
        tags: number;
        manifests: number;
        blobs: number;
        warnings: string[];
      }>`
        select t.state, t.difference_of is not null as difference, t.tags_total as tags, t.manifests_total as manifests,
          t.blobs_total as blobs, array(select message from task_warning w where w.task_id = t.id) as warnings
        from task t where t.repository_id = ${ids.repositoryId} order by t.id desc limit 1`.execute(
        kysely(em()),
      );
      return found.rows[0];
    },
  };
}
