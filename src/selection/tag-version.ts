import { SemVer } from 'semver';

/** A tag read as a version: `v1.2.3-rc.1-alpine` is 1.2.3-rc.1 of the variant `alpine`. */
export interface TagVersion {
  /** With the pre-release and the build, without the variant. */
  readonly version: SemVer;
  /** What is built, after the version: `alpine`, `debian-12-r4`. Undefined without one. */
  readonly variant: string | undefined;
}

// regex input: a tag, at most 128 characters
const numbers = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?/;
// regex input: a tag, at most 128 characters
const preReleaseWord = /^-?(alpha|beta|rc|preview|pre|dev|snapshot|nightly|canary)/i;
// regex input: a tag, at most 128 characters
const preReleaseCounters = /^[.-]?(\d+(?:\.\d+)*)/;

// regex input: what follows the numbers and the pre-release of a tag
const buildAndVariant = /^(?:_([0-9A-Za-z.]+))?(?:-(.+))?$/;

/**
 * Reads a tag as a version (semver.org, 2.0.0), with the habits of image tags: a leading `v` is ignored, missing parts are 0, leading
 * zeros are accepted (`22.04`), and `_` begins build metadata, as Helm writes `+`. A suffix that begins with a pre-release word is a
 * pre-release; any other suffix is a variant. Undefined for a tag that is no version.
 */
export function parseTagVersion(tag: string): TagVersion | undefined {
  const core = numbers.exec(tag);
  if (core === null) return undefined;
  const parts = core.slice(1).map((part: string | undefined) => Number(part ?? 0));
  const afterNumbers = tag.slice(core[0].length);
  // more numbers than three, or a point without one
  if (/^[\d.]/.test(afterNumbers)) return undefined;
  const pre = readPreRelease(afterNumbers);
  const counters = pre?.counters ?? [];
  if (![...parts, ...counters.map(Number)].every(Number.isSafeInteger)) return undefined;
  const rest = buildAndVariant.exec(pre?.rest ?? afterNumbers);
  if (rest === null) return undefined;
  const suffix = pre === undefined ? '' : `-${[pre.word, ...counters.map(Number)].join('.')}`;
  const build = rest[1] === undefined || !isBuild(rest[1]) ? '' : `+${rest[1]}`;
  return { version: new SemVer(`${parts.join('.')}${suffix}${build}`), variant: rest[2] };
}

interface PreRelease {
  readonly word: string;
  readonly counters: readonly string[];
  /** What follows it: empty, or from `-` or `_` on. */
  readonly rest: string;
}

function readPreRelease(text: string): PreRelease | undefined {
  const word = preReleaseWord.exec(text);
  if (word === null) return undefined;
  const afterWord = text.slice(word[0].length);
  const found = preReleaseCounters.exec(afterWord);
  const afterCounters = afterWord.slice(found?.[0].length ?? 0);
  const [, name = ''] = word;
  if (found !== null && isEnd(afterCounters))
    return { word: name.toLowerCase(), counters: (found[1] ?? '').split('.'), rest: afterCounters };
  return isEnd(afterWord) ? { word: name.toLowerCase(), counters: [], rest: afterWord } : undefined;
}

function isEnd(rest: string): boolean {
  return rest === '' || rest.startsWith('-') || rest.startsWith('_');
}

/** semver.org, item 10: identifiers between dots are not empty. */
function isBuild(text: string): boolean {
  return text.split('.').every((identifier) => identifier !== '');
}
