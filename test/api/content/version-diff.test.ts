import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { insertSample, readContent } from '../../support/api/sample-repository.ts';
import type { SampleContent } from '../../support/api/sample-repository.ts';
import { contentModel } from '../../support/api/content-model.ts';

let api: ApiUnderTest;
let samples: SampleContent[];
beforeAll(async () => {
  api = await startApi();
  samples = [await insertSample(api, 'diff/a'), await insertSample(api, 'diff/b')];
});
afterAll(() => api.close());

let sizes: Map<string, number>;

const { diff, compare, readSizes } = contentModel(() => ({ api, samples, sizes }));

describe('versionDiff', () => {
  test('of a version and itself: nothing', async () => {
    sizes = await readSizes();
    const [sample] = samples;
    const id = sample?.repositoryId ?? 0;
    const content = await readContent(api, id, 1);
    expect(await diff([id, 1], [id, 1])).toEqual(compare(content, content));
  });

  test.each([
    ['no id', 'x'],
    ['fault 91: the id of something else', toGlobalId('Repository', 1)],
    ['a version that is not there', toGlobalId('RepositoryVersion', 1, 99)],
  ])('%s: null', async (_, id) => {
    const known = samples[0]?.versionId;
    for (const [from, to] of [
      [id, known],
      [known, id],
    ]) {
      const { data } = await api.graphql(
        'query ($from: ID!, $to: ID!) { versionDiff(from: $from, to: $to) { tagsAdded } }',
        { from, to },
      );
      expect(data).toEqual({ versionDiff: null });
    }
  });
});
