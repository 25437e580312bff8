/** An entry of an index, as far as the rule needs it. */
export interface IndexEntry {
  readonly digest: string;
  /** `os/architecture[/variant]`; null without one. */
  readonly platform: string | null;
  /** The entry that it belongs to, as BuildKit writes for attestations (`vnd.docker.reference.digest`); null: none. */
  readonly annotates: string | null;
}

export type PlatformRule = (platform: string) => boolean;

/** BuildKit gives attestations this platform. */
const unknown = 'unknown/unknown';

/** Variants that clients take for the same as none (containerd's platforms package). */
const impliedVariants: Readonly<Record<string, string>> = { amd64: 'v1', arm64: 'v8', arm: 'v7' };

/** Other names of architectures, as tools print them. */
const aliases: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
  armhf: 'arm/v7',
  armel: 'arm/v6',
};

// regex input: at most 255 characters
const platformPattern = /^([a-z0-9]+)\/([a-z0-9_-]+)(?:\/([a-z0-9.]+))?$/;

/** Why an entry of `platforms` cannot be used, if it cannot. */
export function platformMistake(text: string): string | undefined {
  const expected = 'expected os/architecture or os/architecture/variant, for example "linux/amd64"';
  const [, os, architecture = ''] = text.length > 255 ? [] : (platformPattern.exec(text) ?? []);
  if (os === undefined) return `${expected}.`;
  if (text === unknown) return `${expected}; attestations follow the image that they describe.`;
  const usual = aliases[architecture];
  return usual === undefined ? undefined : `${architecture} is called ${usual} here: "${os}/${usual}".`;
}

/**
 * Whether a platform is one of the listed. An entry without a variant takes every variant; the variants v1 of amd64, v8 of arm64 and v7 of
 * arm are the same as none.
 */
export function compilePlatforms(platforms: readonly string[]): PlatformRule {
  const listed = new Set(platforms.map((text) => (text.split('/').length > 2 ? withVariant(text) : text)));
  return (platform) => {
    const lower = platform.toLowerCase();
    const [os = '', architecture = ''] = lower.split('/');
    return listed.has(`${os}/${architecture}`) || listed.has(withVariant(lower));
  };
}

function withVariant(platform: string): string {
  const [os = '', architecture = '', variant = impliedVariants[architecture] ?? ''] = platform.split('/');
  const implied = impliedVariants[architecture];
  return `${os}/${architecture}/${`v${variant}` === implied ? implied : variant}`;
}

/**
 * The entries that a remote leaves out. An entry of another platform is left out. One without a platform follows the entry
 * that it annotates, over any number of steps; all others stay. Of several entries for one digest, one that stays keeps the content.
 */
export function absentEntries<Entry extends IndexEntry>(
  entries: readonly Entry[],
  takes: PlatformRule,
): Entry[] {
  const byDigest = new Map<string, IndexEntry[]>();
  for (const entry of entries) byDigest.set(entry.digest, [...(byDigest.get(entry.digest) ?? []), entry]);
  const decided = new Map<IndexEntry, boolean>();
  const stays = (start: IndexEntry): boolean => {
    const path = new Set<IndexEntry>();
    let answer: boolean | IndexEntry = start;
    while (typeof answer !== 'boolean') {
      // a circle of annotations decides nothing, so it stays
      const known: boolean | undefined = path.has(answer) ? true : decided.get(answer);
      path.add(answer);
      answer = known ?? decide(answer, byDigest, takes);
    }
    for (const entry of path) decided.set(entry, answer);
    return answer;
  };
  return entries.filter((entry) => !stays(entry));
}

/** Whether an entry stays, or the entry that decides on it. */
function decide(
  { platform, annotates }: IndexEntry,
  byDigest: ReadonlyMap<string, readonly IndexEntry[]>,
  takes: PlatformRule,
): boolean | IndexEntry {
  if (platform !== null && platform !== unknown) return takes(platform);
  const subjects = annotates === null ? [] : (byDigest.get(annotates) ?? []);
  const placed = subjects.filter((subject) => subject.platform !== null && subject.platform !== unknown);
  if (placed.length > 0) return placed.some((subject) => takes(subject.platform ?? ''));
  return subjects[0] ?? true;
}

/** Whether the remote takes an image of this platform. Content without a platform is no image of another one. */
export function takesImage(platform: string | null, takes: PlatformRule): boolean {
  return platform === null || platform === unknown || takes(platform);
}
