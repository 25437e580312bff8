/** OCI Distribution 1.1, the pull side, row by row. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addArtifact, addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { pull } from '../../support/api/pull.ts';
import { startPullScene } from '../../support/api/pull-scene.ts';
import type { PullScene } from '../../support/api/pull-scene.ts';
import { sample, other, pullChecks } from '../../support/api/pull-content.ts';
import type { Row } from '../../support/api/pull-content.ts';
import { lists, referrers } from './list-rows.ts';

let scene: PullScene;
beforeAll(async () => {
  scene = await startPullScene();
  await scene.publish('team/shop', sample);
  await scene.publish('team/other', other);
  // names whose parts read as parts of addresses
  await scene.publish('a/manifests/tags/list', other);
});
afterAll(() => scene?.close());

const refused: Row[] = [
  '/v2/../../etc/passwd',
  '/v2/%2e%2e/%2e%2e/etc/passwd',
  '/v2/../../etc/manifests/passwd',
  '/v2/%2e%2e/%2e%2e/etc/manifests/latest',
  '/v2/a%2fb/manifests/latest',
  '/v2/a//b/manifests/latest',
  '/v2//manifests/latest',
  '/v2/manifests/latest',
  '/v2/Team/shop/manifests/latest',
  `/v2/${'a'.repeat(256)}/manifests/latest`,
  '/v2/a%00b/manifests/latest',
  '/v2/team/shop/tags/list?last=%00',
  '/v2/team/shop/tags/list/',
  '/v2/team%/shop/tags/list',
  '/v2/nothing',
].map((path) => ({
  name: `fault 64: ${path.slice(0, 60)} is refused`,
  path,
  status: [
    '/v2/../../etc/passwd',
    '/v2/%2e%2e/%2e%2e/etc/passwd',
    '/v2/team/shop/tags/list/',
    '/v2/nothing',
  ].includes(path)
    ? 404
    : 400,
  code: 'NAME_INVALID',
}));

const { check, checkHead } = pullChecks(() => ({ scene }));

describe('names and addresses', () => {
  test.each(refused)('$name', check);
});

describe('lists', () => {
  test.each(lists)('$name', check);
  test.each(lists)('HEAD: $name', checkHead);
  test('fault 66: following Link lists 2,500 tags once each, fault 65: at most 1,000 a page', async () => {
    const many = createSampleRepository();
    const image = addImage(many, { seed: 'many', layers: [] });
    for (let number = 0; number < 2_500; number += 1) many.tags.set(`t${number}`, image.digest);
    await scene.publish('zz/many', many);
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let next: string | undefined = '/v2/zz/many/tags/list?n=2147483647'; next !== undefined;) {
      const answer = await pull(scene.api.url, { path: next });
      const { tags } = JSON.parse(answer.body.toString()) as { tags: string[] };
      seen.push(...tags);
      sizes.push(tags.length);
      next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
    }
    expect(sizes).toEqual([1_000, 1_000, 500]);
    expect(seen).toEqual([...many.tags.keys()].sort());
  });
});

describe('listing referrers', () => {
  test.each(referrers)('$name', check);
  test.each(referrers)('HEAD: $name', checkHead);
  test('many are paged, by count and by what they weigh', async () => {
    const many = createSampleRepository();
    const subject = addImage(many, { seed: 'popular', layers: [], tag: 'popular' });
    const wanted = Array.from({ length: 130 }, (_, number) =>
      addArtifact(many, {
        seed: `${number}`,
        artifactType: 'application/x',
        subject,
        // those of number 0 and 1 do not fit together
        annotations: { number: `${number}`, text: 'x'.repeat(number < 2 ? 1_500_000 : 10) },
      }),
    );
    await scene.publish('zz/popular', many);
    const seen: string[] = [];
    let pages = 0;
    let next: string | undefined = `/v2/zz/popular/referrers/${subject.digest}?artifactType=application/x`;
    for (; next !== undefined; pages += 1) {
      const answer = await pull(scene.api.url, { path: next });
      expect(answer.headers['oci-filters-applied']).toBe('artifactType');
      expect(answer.body.length).toBeLessThan(4 * 1024 * 1024);
      const { manifests: found } = JSON.parse(answer.body.toString()) as { manifests: { digest: string }[] };
      seen.push(...found.map(({ digest }) => digest));
      next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
    }
    expect(seen).toEqual(wanted.map(({ digest }) => digest as string).sort());
    expect(pages).toBeGreaterThan(1);
  });
});
