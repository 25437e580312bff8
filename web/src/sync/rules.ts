/** The rules that the dialog edits, as texts of a form. */
export interface Rules {
  readonly includeTags: readonly string[];
  readonly excludeTags: readonly string[];
  readonly semverRanges: readonly string[];
  readonly newest: number | null;
  readonly platforms: readonly string[];
  readonly policy: 'IMMEDIATE' | 'ON_DEMAND' | 'STREAMED';
}

interface RemoteRules {
  readonly includeTags: readonly string[] | null;
  readonly excludeTags: readonly string[] | null;
  readonly semverRanges: readonly string[] | null;
  readonly newestTags: { readonly count: number } | null;
  readonly platforms: readonly string[] | null;
  readonly policy: Rules['policy'];
}

export function rulesOf(remote: RemoteRules): Rules {
  const { includeTags, excludeTags, semverRanges, newestTags, platforms, policy } = remote;
  return {
    includeTags: includeTags ?? [],
    excludeTags: excludeTags ?? [],
    semverRanges: semverRanges ?? [],
    newest: newestTags?.count ?? null,
    platforms: platforms ?? [],
    policy,
  };
}

/** What differs from the remote, as the API takes it; undefined when nothing does. */
export function overridesOf(rules: Rules, stored: Rules): Record<string, unknown> | undefined {
  const all = {
    includeTags: list(rules.includeTags),
    excludeTags: list(rules.excludeTags),
    semverRanges: list(rules.semverRanges),
    newestTags: rules.newest === null ? null : { count: rules.newest },
    platforms: list(rules.platforms),
    policy: rules.policy,
  };
  const changed = Object.entries(all).filter(([field]) => {
    const key = (field === 'newestTags' ? 'newest' : field) as keyof Rules;
    return JSON.stringify(rules[key]) !== JSON.stringify(stored[key]);
  });
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

function list(values: readonly string[]): readonly string[] | null {
  return values.length === 0 ? null : values;
}
