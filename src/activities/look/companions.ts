import { referrerRootName } from '../../db/staging/stage-companions.ts';
import type { LookedAtTag } from '../../db/look/present-content.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { createAskEach } from '../companions/ask-each.ts';
import type { AskEach } from '../companions/ask-each.ts';
import type { ActivityDeps } from '../deps.ts';
import { fewManifests, possibleNames } from '../companions/follow-companion-tags.ts';
import { isOutsideCompanion } from '../tags/list-tags.ts';
import { assertSameTags, changed } from './look.ts';
import type { Look, RunningLook } from './look.ts';

export interface Listed {
  /** The names that a sync would walk. */
  readonly selected: ReadonlySet<string>;
  /** Companion names outside of the filters; undefined without a list. */
  readonly companions: ReadonlySet<string> | undefined;
  readonly filtered: number;
  readonly beyondNewest: number;
  /** What another Tidemark announced with the list. */
  readonly state: string | undefined;
}

interface Asked {
  readonly listed: Listed;
  /** Ids of the manifests whose companions a sync would ask for. */
  readonly roots: readonly number[];
}

interface Question {
  readonly page: readonly Manifest[];
  readonly rootIds: readonly number[];
  readonly askEach: AskEach;
}

interface Manifest {
  readonly id: number;
  readonly digest: Digest;
}

/**
 * Asks for the referrers and companion tags of the manifests below the roots, of theirs in turn, and compares them with the version.
 * @returns the ids of all these manifests.
 */
export async function assertSameCompanions(
  deps: ActivityDeps,
  look: RunningLook,
  { listed, roots }: Asked,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  const askEach = createAskEach(look.registry);
  const asked = new Set<number>();
  const seen = new Set<string>();
  for (let rootIds = roots; rootIds.length > 0;) {
    const page = manifestsBelow(look, rootIds, asked);
    const { referrers, unlisted } = await askReferrers(deps, look, { page, rootIds, askEach }, signal);
    const tags = await askTags(deps, look, { page, unlisted, listed: listed.companions }, signal);
    for (const { name } of tags) seen.add(name);
    rootIds = [...referrers, ...tags.map(({ manifestId }) => manifestId)];
  }
  assertNoOthers(look, asked, seen);
  return asked;
}

/** Adds them to `asked`. */
function manifestsBelow(look: Look, rootIds: readonly number[], asked: Set<number>): Manifest[] {
  const page: Manifest[] = [];
  for (const id of below(look, rootIds, asked)) {
    const digest = look.present.digests.get(id);
    if (digest === undefined) changed();
    page.push({ id, digest });
  }
  return page;
}

/** The ids of the roots and of all manifests below them in the version, each once. Those in `seen` are left out, and it takes the others. */
export function* below(
  { present }: Pick<Look, 'present'>,
  rootIds: Iterable<number>,
  seen = new Set<number>(),
): Generator<number> {
  const next = [...rootIds];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    yield id;
    next.push(...(present.children.get(id) ?? []));
  }
}

async function askReferrers(
  deps: ActivityDeps,
  { registry, concurrency, present, requests }: RunningLook,
  { page, rootIds, askEach }: Question,
  signal: AbortSignal,
): Promise<{ readonly referrers: number[]; readonly unlisted: ReadonlySet<Digest> }> {
  const referrers: number[] = [];
  const unlisted = new Set<Digest>();
  const lanes = { rootIds, concurrency, signal };
  await askEach(page, lanes, async ({ digest: subject }, options) => {
    const answer = await requests.run(options.signal, () =>
      deps.connections.run(options.signal, () => registry.listReferrers(subject, options)),
    );
    const known = present.roots.get(referrerRootName(subject)) ?? [];
    if (answer.kind === 'absent') {
      unlisted.add(subject);
      if (known.length > 0) changed();
      return;
    }
    const digests = new Set<Digest>(answer.digests);
    if (digests.size !== known.length || known.some(({ digest }) => !digests.has(digest))) changed();
    referrers.push(...known.map(({ id }) => id));
  });
  return { referrers, unlisted };
}

/** Returns the companion tags of these manifests, all unchanged. */
async function askTags(
  deps: ActivityDeps,
  look: RunningLook,
  {
    page,
    unlisted,
    listed,
  }: {
    readonly page: readonly Manifest[];
    readonly unlisted: ReadonlySet<Digest>;
    readonly listed: ReadonlySet<string> | undefined;
  },
  signal: AbortSignal,
): Promise<LookedAtTag[]> {
  if (listed === undefined && page.length > fewManifests) changed();
  const names = possibleNames(look, page)
    .filter(({ name, subject }) => unlisted.has(subject) || parseCompanionTag(name)?.suffix !== '')
    .map(({ name }) => name)
    .filter((name) => listed?.has(name) !== false);
  const wanted = new Set(names);
  const tags = look.present.tags.filter(({ name }) => wanted.has(name));
  await assertSameTags(deps, look, tags, signal);
  const present = new Set(tags.map(({ name }) => name));
  const absent = names.filter((name) => !present.has(name));
  if (listed !== undefined && absent.length > 0) changed();
  const lanes = { concurrency: look.concurrency, signal };
  await forEachConcurrently(absent, lanes, async (name, laneSignal) => {
    const head = await look.requests.run(laneSignal, () =>
      deps.connections.run(laneSignal, () => look.registry.resolve(name, { signal: laneSignal })),
    );
    if (head !== undefined) changed();
  });
  return tags;
}

/** A companion that the version has and the upstream does not: a sync decides about it. Those of immutable tags are not asked for. */
function assertNoOthers(
  { present, filter }: Look,
  asked: ReadonlySet<number>,
  seen: ReadonlySet<string>,
): void {
  const subjects = new Set([...asked].map((id) => present.digests.get(id)));
  const others = present.tags.filter(({ name }) => isOutsideCompanion({ filter }, name) && !seen.has(name));
  if (others.some(({ name }) => subjects.has(parseCompanionTag(name)?.subject))) changed();
}
