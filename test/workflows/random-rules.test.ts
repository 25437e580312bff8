/** Random tags and rules: a mirror converges to exactly the selection, and a second sync changes nothing. */
import fc from 'fast-check';
import semver from 'semver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { compileTagFilter } from '../../src/selection/tag-filter.ts';
import type { FurtherRules, TagRules } from '../../src/selection/tag-rules.ts';
import { parseTagVersion } from '../../src/selection/tag-version.ts';
import { openStage } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

type Rules = Omit<TagRules, 'includeTags' | 'excludeTags'> &
  FurtherRules &
  Pick<TagRules, 'includeTags' | 'excludeTags'>;

const versions = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2)).map((parts) => parts.join('.'));
const tags = fc.uniqueArray(
  fc.oneof(
    versions,
    versions.map((version) => `v${version}`),
    versions.map((version) => `${version}-alpine`),
    versions.map((version) => `${version}-rc.1`),
    fc.constantFrom('latest', 'edge', 'stable', 'nightly'),
  ),
  { minLength: 15, maxLength: 40, size: 'max' },
);
const list = (...entries: readonly string[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...entries), { maxLength: 2 }), { nil: null, freq: 1 });
const rules: fc.Arbitrary<Rules> = fc.record({
  includeTags: list('latest', 'v*', '1.*', '*'),
  excludeTags: list('*-rc*', 'edge', '2.*'),
  includeTagPatterns: list('[12]\\..*', 'st.*'),
  excludeTagPatterns: list('.*-alpine', 'v3.*'),
  semverRanges: list('>=1.0', '~2.1', '1.x || 3.x'),
  semverPrereleases: fc.boolean(),
  semverSuffix: fc.constantFrom(null, 'alpine'),
  newestTags: fc.option(
    fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      per: fc.constantFrom('ALL' as const, 'MAJOR' as const, 'MINOR' as const),
    }),
    { nil: null },
  ),
});

/** The selection by the table of docs/selection.md, with a plain sort for the newest. */
function select(given: Rules, names: readonly string[]): string[] {
  const filter = compileTagFilter(given);
  const passed = names.filter((name) => filter.matches(name));
  const { newestTags } = given;
  if (!newestTags) return passed.toSorted();
  const exact = passed.filter((name) => filter.exactNames.includes(name));
  const ranked = passed
    .filter((name) => !exact.includes(name))
    .flatMap((name) => {
      const parsed = parseTagVersion(name);
      if (parsed === undefined || (parsed.variant ?? null) !== (given.semverSuffix ?? null)) return [];
      const isTaken =
        parsed.version.prerelease.length === 0 ||
        given.semverPrereleases === true ||
        compileTagFilter({
          semverRanges: given.semverRanges ?? ['<0.0.0'],
          semverSuffix: given.semverSuffix,
        }).matches(name);
      return isTaken ? [{ name, version: parsed.version }] : [];
    })
    .toSorted(
      (a, b) =>
        semver.compareBuild(b.version, a.version) ||
        b.name.length - a.name.length ||
        (a.name < b.name ? -1 : 1),
    );
  const groups = Map.groupBy(ranked, ({ version: { major, minor } }) =>
    newestTags.per === 'ALL' ? '' : newestTags.per === 'MAJOR' ? String(major) : `${major}.${minor}`,
  );
  const kept = [...groups.values()].flatMap((group) =>
    group.slice(0, newestTags.count).map(({ name }) => name),
  );
  return [...exact, ...kept].toSorted();
}

function copy(entries: readonly string[] | null | undefined): string[] | null {
  return entries ? [...entries] : null;
}

test('a mirror has exactly the selected tags, and a second sync makes no version', async () => {
  const repository = createSampleRepository();
  const { digest } = addImage(repository, { seed: 'random-rules', layers: [100], tag: 'first' });
  const scene = await stage.openSynced({ repository });
  const sync = () => scene.sync({ mirror: true, confirmRemoval: true, pruneFiltered: true });
  await fc.assert(
    fc.asyncProperty(tags, rules, async (names, { includeTags, excludeTags, ...tagRules }) => {
      repository.tags.clear();
      for (const name of names) repository.tags.set(name, digest);
      const remote = { includeTags: copy(includeTags), excludeTags: copy(excludeTags), tagRules };
      await stage.harness.updateRemote(scene.ids.remoteId, remote);
      const { task, latest } = await sync();
      expect(task).toMatchObject({ state: 'COMPLETED', errorCode: null });
      const present = [...(await stage.harness.tags(scene.ids.repositoryId, latest)).keys()].toSorted();
      expect(present).toEqual(select({ includeTags, excludeTags, ...tagRules }, names));
      expect((await sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    }),
    { numRuns: 15, seed: 16, endOnFailure: true },
  );
});
