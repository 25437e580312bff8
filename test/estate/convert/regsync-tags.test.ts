import { assert, array, constantFrom, option, property, record } from 'fast-check';
import { RE2JS } from 're2js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { convertFile } from '../../../src/estate/convert/convert.ts';
import type { EstateFile } from '../../../src/estate/convert/estate-file.ts';
import {
  isInRange,
  parseRegsyncVersion,
  parseVersionRange,
} from '../../../src/estate/convert/regsync/version-range.ts';
import { compileTagFilter } from '../../../src/selection/tag-filter.ts';
import { allowStalls } from '../../support/watch/allow-stalls.ts';

allowStalls(20_000, 'the property converts thousands of files in one turn');

interface Filters {
  readonly allow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
  readonly semverRange?: readonly string[] | undefined;
}

interface Entry {
  readonly tags?: Filters | undefined;
  readonly tagSets?: readonly Filters[] | undefined;
}

function convert(entry: Entry) {
  const sync = [
    { source: 'alpine', target: 'registry.local/alpine', type: 'repository', interval: '1h', ...entry },
  ];
  // JSON is YAML
  const { estate, findings } = convertFile({
    text: JSON.stringify({ sync }),
    file: 'regsync.yml',
    name: 'x',
  });
  const [repository] = (parse(estate) as EstateFile).repositories;
  return { remote: repository?.remote, findings };
}

/** cmd/regsync/root.go: the sets are united; in each, ranges come first, then allow, then deny. */
function takes({ tags, tagSets = [] }: Entry, tag: string): boolean {
  const own = [tags?.allow, tags?.deny, tags?.semverRange].some((list) => (list ?? []).length > 0);
  const sets = [...tagSets, ...(own && tags !== undefined ? [tags] : [])];
  return sets.length === 0 || sets.some((set) => setTakes(set, tag));
}

function setTakes({ allow = [], deny = [], semverRange = [] }: Filters, tag: string): boolean {
  const matches = (pattern: string) => RE2JS.compile(`^${pattern}$`).matcher(tag).find();
  const version = parseRegsyncVersion(tag);
  const isIn = (text: string) => {
    const range = parseVersionRange(text);
    return version !== undefined && !('mistake' in range) && isInRange(version, range);
  };
  if (semverRange.length > 0 && !semverRange.some(isIn)) return false;
  return (allow.length === 0 || allow.some(matches)) && !deny.some(matches);
}

const tags = [
  'latest', 'edge', '3', '3.0', '3.5', '3.5.1', 'v3.5.1', 'v3.6.0', 'v4.0.0', 'v4.0.0-rc1', '3.5.1-alpine', '2', 'v2.9.9', '10.0', 'main-1',
  'latest-1', 'x-edge', '3.5.1.1', 'v3.5.0.9',
]; // prettier-ignore

test('the example of the documentation: fixed tags, and versions of a range', () => {
  const entry = {
    tagSets: [
      { allow: ['latest', 'edge'] },
      { semverRange: ['>=3.5.1 <4.0'], allow: ['v\\d+\\.\\d+\\.\\d+'] },
    ],
  };
  const { remote, findings } = convert(entry);
  const filter = compileTagFilter(remote ?? {});
  expect(tags.filter((tag) => filter.matches(tag))).toEqual(['latest', 'edge', 'v3.5.1', 'v3.6.0']);
  expect(findings.filter(({ kind }) => kind !== 'TO_DO')).toEqual([]);
});

test.each<[string, Entry, RegExp]>([
  [
    'exclusions that would meet another set',
    { tagSets: [{ allow: ['.*'], deny: ['3.*'] }, { allow: ['3\\.\\d'] }] },
    /exclude different tags/,
  ],
  [
    'an excluded tag that another set takes',
    { tagSets: [{ deny: ['l.*'] }, { allow: ['latest'] }] },
    /takes "latest"/,
  ],
  ['no tag at all', { tags: { allow: ['latest'], deny: ['.*'] } }, /select no tag/],
  [
    'several ranges together with allow',
    { tags: { semverRange: ['1', '3'], allow: ['.*'] } },
    /Several ranges/,
  ],
  ['a range of pre-releases', { tags: { semverRange: ['>=1-rc1'] } }, /not a comparison/],
  ['an expression that Go refuses', { tags: { allow: ['a)|(b'] } }, /not a regular expression/],
])('%s: the entry is left out, with the reason', (_name, entry, reason) => {
  const { remote, findings } = convert(entry);
  expect(remote).toBeUndefined();
  expect(findings.filter(({ kind }) => kind === 'LEFT_OUT').map(({ message }) => message)).toContainEqual(
    expect.stringMatching(reason),
  );
});

const patterns = constantFrom(
  'latest', 'edge', '3', '3\\.5', '3.5', 'v.*', '.*', 'a|3', '3|edge', '\\d+\\.\\d+\\.\\d+', 'v?\\d+\\.\\d+\\.\\d+(-.*)?', '.*-alpine', '.*rc.*',
  'v\\d+\\.\\d+\\.\\d+', '[^v].*', '*', '^3.*', 'l.*|.*1', 'v3.*',
); // prettier-ignore
const ranges = constantFrom('>=3', '>=3.5.1 <4', '^3.5', '~3.5.1', '>3.5', '<=3.5.1', '3.5.1', '<2');
const lists = record(
  {
    allow: array(patterns, { maxLength: 3 }),
    deny: array(patterns, { maxLength: 2 }),
    semverRange: array(ranges, { maxLength: 1 }),
  },
  { requiredKeys: [] },
);
const entries = record(
  { tags: option(lists, { nil: undefined }), tagSets: array(lists, { maxLength: 3 }) },
  { requiredKeys: [] },
);

test('a converted entry takes the tags that regsync takes', () => {
  let converted = 0;
  assert(
    property(entries, (entry: Entry) => {
      const { remote, findings } = convert(entry);
      // ranges without allow are those of node-semver, which is reported
      if (remote === undefined || findings.some(({ kind }) => kind === 'DIFFERS')) return;
      converted += 1;
      const filter = compileTagFilter(remote);
      for (const tag of tags)
        if (filter.matches(tag) !== takes(entry, tag))
          throw new Error(`${JSON.stringify(entry)} became ${JSON.stringify(remote)}: ${tag} differs`);
    }),
    { numRuns: 600 },
  );
  expect(converted).toBeGreaterThan(100);
});
