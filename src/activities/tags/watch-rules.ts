import { quoteValue } from '../../oci/error.ts';
import { closeNames } from '../../selection/close-names.ts';
import { compileTagFilter } from '../../selection/tag-filter.ts';
import { includeFields, withOnly } from '../../selection/tag-rules.ts';
import type { TagRules } from '../../selection/tag-rules.ts';
import { closeHint } from './absent-repository.ts';

const rulesWatched = 20;

export interface WatchedRules {
  /** Takes a page of the list. */
  see(names: readonly string[]): void;
  /** A warning for each rule that has matched none of them. */
  warnings(): string[];
}

/** Finds the rules that match nothing, and the names most similar to a wildcard. Its memory does not grow with the list. */
export function watchRules(rules: TagRules): WatchedRules {
  let seen = 0;
  const watched = includeFields
    .flatMap((field) => (rules[field] ?? []).map((text) => ({ field, text })))
    .slice(0, rulesWatched)
    .map(({ field, text }) => ({
      field,
      text,
      filter: compileTagFilter(withOnly(rules, field, text)),
      matched: false,
      closest: [] as string[],
    }))
    .filter(({ filter }) => filter.needsListing);
  return {
    see(names: readonly string[]): void {
      seen += names.length;
      for (const rule of watched) {
        if (rule.matched) continue;
        rule.matched = names.some((name) => rule.filter.matches(name));
        if (!rule.matched && rule.field === 'includeTags')
          rule.closest = closeNames(rule.text, [...rule.closest, ...names]);
      }
    },
    warnings(): string[] {
      return watched
        .filter(({ matched }) => !matched)
        .map(
          ({ field, text, closest }) =>
            `${quoteValue(text)} in ${field} matches none of the upstream's ${seen} tags.${closeHint(closest)}`,
        );
    },
  };
}
