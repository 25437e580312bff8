import { readTimes } from '../../db/outcomes/listed-tags.ts';
import { readPresentNames, readTagFacts } from '../../db/reads/tags/read-tag-facts.ts';
import type { TagFacts } from '../../db/reads/tags/read-tag-facts.ts';
import type { Em } from '../../db/open-database.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import { explainRules } from '../../selection/explain-tag.ts';
import { createNewest } from '../../selection/newest-tags.ts';
import { compileTagFilter } from '../../selection/tag-filter.ts';
import type { KeptOutcome, TagOutcome } from '../../selection/tag-outcome.ts';
import { rulesOf } from '../../selection/tag-rules.ts';

export interface TagExplanation {
  readonly name: string;
  readonly outcome: TagOutcome;
  /** The field of the remote that decides, or `remote`, `upstream` or `signaturePolicy`. */
  readonly rule: string;
  readonly detail: string;
  readonly presentDigest: string | null;
}

/** The fields that decide on a tag that the rules select. */
const ruleOf: Readonly<Record<KeptOutcome, string>> = {
  TOO_YOUNG: 'minimumAgeSeconds',
  NOT_VERIFIED: 'signaturePolicy',
  NO_PLATFORM: 'platforms',
  FAILED: 'tagFailures',
};

interface RemoteTag {
  readonly repositoryId: number;
  readonly name: string;
  readonly remote: Remote;
}

/** Why a repository has a tag, or lacks it: the rules of its remote now, and what the last sync did. The upstream is not asked. */
export async function explainTag(
  em: Em,
  { repositoryId, name, remote }: Omit<RemoteTag, 'remote'> & { readonly remote: Remote | undefined },
): Promise<TagExplanation> {
  const facts = await readTagFacts(em, repositoryId, name);
  const [outcome, rule, ...details]: Verdict =
    remote === undefined
      ? ['UNCHANGED', 'remote', 'The repository has no remote that you may read.', presence(facts)]
      : await judge(em, { repositoryId, name, remote }, facts);
  const detail = details.filter((one) => one !== '').join(' ');
  return { name, outcome, rule, detail, presentDigest: facts.presentDigest };
}

/** Outcome, rule, and the sentences of the detail. */
type Verdict = readonly [outcome: TagOutcome, rule: string, ...details: readonly string[]];

async function judge(em: Em, { repositoryId, name, remote }: RemoteTag, facts: TagFacts): Promise<Verdict> {
  const { isSelected, rule, detail } = explainRules(rulesOf(remote), name);
  if (!isSelected) {
    const companion = parseCompanionTag(name);
    if (companion === undefined) return ['FILTERED', rule, detail, keptThoughFiltered(facts)];
    const why = `It is a companion of ${companion.subject}, and is synced with it whatever the filters say.`;
    return [facts.outcome ?? 'UNCHANGED', 'companion', why, presence(facts)];
  }
  if (facts.outcome !== null) {
    const deciding = ruleOf[facts.outcome as KeptOutcome] ?? rule;
    return [facts.outcome, deciding, detail, facts.reason ?? '', presence(facts)];
  }
  if (facts.presentDigest !== null) return ['UNCHANGED', rule, detail, presence(facts)];
  if (await isBeyondNewest(em, repositoryId, name, remote))
    return ['BEYOND_NEWEST', 'newestTags', detail, 'Newer tags take its place.', presence(facts)];
  if (facts.taskId === null)
    return ['UNCHANGED', rule, detail, 'The repository was not synced yet.', presence(facts)];
  const why = 'The last sync did not find it at the upstream, or ran before the rules changed.';
  return ['UNCHANGED', 'upstream', detail, why, presence(facts)];
}

function presence({ presentDigest }: TagFacts): string {
  return presentDigest === null
    ? 'It is not in the latest version.'
    : `The latest version has it at ${presentDigest}.`;
}

function keptThoughFiltered(facts: TagFacts): string {
  if (facts.presentDigest === null) return presence(facts);
  return `${presence(facts)} It is no longer updated; a mirror sync with pruneFiltered removes it.`;
}

async function isBeyondNewest(em: Em, repositoryId: number, name: string, remote: Remote): Promise<boolean> {
  const rules = rulesOf(remote);
  if (!rules.newestTags) return false;
  const filter = compileTagFilter(rules);
  if (filter.exactNames.includes(name)) return false;
  const { order = 'SEMVER' } = rules.newestTags;
  const newest = createNewest(rules.newestTags, rules);
  for await (const names of readPresentNames(em, repositoryId)) {
    const matching = names.filter((present) => filter.matches(present));
    const times = await readTimes(em, repositoryId, order, matching);
    for (const present of matching) newest.add(present, times.get(present));
  }
  const time = (await readTimes(em, repositoryId, order, [name])).get(name);
  return (order === 'SEMVER' || time !== undefined) && newest.isBeyond(name, time);
}
