import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  absentEntries,
  compilePlatforms,
  platformMistake,
  takesImage,
} from '../../src/selection/platforms.ts';
import type { IndexEntry } from '../../src/selection/platforms.ts';

test.each([
  [
    'linux/amd64',
    'linux/amd64 linux/amd64/v1 linux/amd64/v3 Linux/AMD64',
    'linux/arm64 windows/amd64 linux/386',
  ],
  ['linux/arm64', 'linux/arm64 linux/arm64/v8', 'linux/arm/v8 linux/arm'],
  ['linux/arm64/v8', 'linux/arm64 linux/arm64/v8 linux/arm64/8', 'linux/arm64/v9'],
  ['linux/arm/v7', 'linux/arm linux/arm/v7', 'linux/arm/v6'],
  ['linux/amd64/v1', 'linux/amd64', 'linux/amd64/v2'],
  ['linux/s390x', 'linux/s390x', 'linux/s390'],
])('%s', (platform, inside, outside) => {
  const takes = compilePlatforms([platform]);
  expect(inside.split(' ').filter((other) => !takes(other))).toEqual([]);
  expect(outside.split(' ').filter((other) => takes(other))).toEqual([]);
});

test.each([
  ['linux', 'expected os/architecture or os/architecture/variant, for example "linux/amd64".'],
  ['linux/x86_64', 'x86_64 is called amd64 here: "linux/amd64".'],
  ['linux/armhf', 'armhf is called arm/v7 here: "linux/arm/v7".'],
  ['unknown/unknown', /attestations follow the image/],
  ['Linux/amd64', /expected/],
  ['linux/arm64/v8/x', /expected/],
  [`linux/${'a'.repeat(300)}`, /expected/],
])('%s is refused', (text, message) => {
  expect(platformMistake(text)).toMatch(message);
});

test.each(['linux/amd64', 'linux/arm64/v8', 'windows/amd64', 'freebsd/riscv64'])('%s is accepted', (text) => {
  expect(platformMistake(text)).toBeUndefined();
});

test('an image without a platform is no image of another one', () => {
  const takes = compilePlatforms(['linux/amd64']);
  expect(
    [null, 'unknown/unknown', 'linux/amd64', 'linux/arm64'].map((one) => takesImage(one, takes)),
  ).toEqual([true, true, true, false]);
});

/** As BuildKit writes it: an attestation for each image. */
test('attestations follow the image that they annotate, and other entries without a platform stay', () => {
  const entries: IndexEntry[] = [
    { digest: 'amd64', platform: 'linux/amd64', annotates: null },
    { digest: 'arm64', platform: 'linux/arm64', annotates: null },
    { digest: 'amd64-attestation', platform: 'unknown/unknown', annotates: 'amd64' },
    { digest: 'arm64-attestation', platform: 'unknown/unknown', annotates: 'arm64' },
    { digest: 'of-attestation', platform: null, annotates: 'arm64-attestation' },
    { digest: 'chart', platform: null, annotates: null },
    { digest: 'of-something-else', platform: 'unknown/unknown', annotates: 'elsewhere' },
  ];
  const absent = absentEntries(entries, compilePlatforms(['linux/amd64']));
  expect(absent.map(({ digest }) => digest)).toEqual(['arm64', 'arm64-attestation', 'of-attestation']);
});

function isPlaced({ platform }: IndexEntry): boolean {
  return platform !== null && platform !== 'unknown/unknown';
}

describe('for any index', () => {
  const digests = ['a', 'b', 'c', 'd', 'e', 'f'];
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm64/v8', 'linux/arm/v6', 'windows/amd64'];
  const entry = fc.record({
    digest: fc.constantFrom(...digests),
    platform: fc.option(fc.constantFrom(...platforms, 'unknown/unknown')),
    annotates: fc.option(fc.constantFrom(...digests, 'elsewhere')),
  });
  const index = fc.array(entry, { maxLength: 12 });
  const rule = fc.uniqueArray(fc.constantFrom(...platforms), { minLength: 1 });
  const settings = { seed: 1611, numRuns: 500 };

  test('the platform alone decides on an entry that has one', () => {
    fc.assert(
      fc.property(index, rule, (entries, listed) => {
        const takes = compilePlatforms(listed);
        const absent = new Set(absentEntries(entries, takes));
        for (const one of entries.filter(isPlaced)) expect(absent.has(one)).toBe(!takes(one.platform ?? ''));
      }),
      settings,
    );
  });

  test('an entry without a platform leaves only with an entry that it annotates', () => {
    fc.assert(
      fc.property(index, rule, (entries, listed) => {
        const absent = new Set(absentEntries(entries, compilePlatforms(listed)));
        for (const one of entries.filter((other) => !isPlaced(other))) {
          const subjects = entries.filter(({ digest }) => digest === one.annotates);
          if (subjects.length === 0) expect(absent.has(one)).toBe(false);
          if (absent.has(one)) expect(subjects.some((subject) => absent.has(subject))).toBe(true);
          const placed = subjects.filter(isPlaced);
          if (placed.length > 0) expect(absent.has(one)).toBe(placed.every((subject) => absent.has(subject)));
        }
      }),
      settings,
    );
  });

  test('a wider rule leaves out nothing more, and all platforms nothing', () => {
    fc.assert(
      fc.property(index, rule, rule, (entries, listed, more) => {
        const narrow = absentEntries(entries, compilePlatforms(listed));
        const wide = absentEntries(entries, compilePlatforms([...listed, ...more]));
        expect(narrow).toEqual(expect.arrayContaining(wide));
        expect(absentEntries(entries, compilePlatforms(platforms))).toEqual([]);
      }),
      settings,
    );
  });

  test('a chain of 10,000 annotations is read in one pass', () => {
    const chain = Array.from({ length: 10_000 }, (_, at): IndexEntry => ({
      digest: String(at),
      platform: at === 9_999 ? 'linux/arm64' : null,
      annotates: String((at + 1) % 10_000),
    }));
    expect(absentEntries(chain, compilePlatforms(['linux/amd64']))).toHaveLength(10_000);
    expect(
      absentEntries(
        chain.map((one) => ({ ...one, platform: null })),
        compilePlatforms(['linux/amd64']),
      ),
    ).toHaveLength(0);
  });
});
