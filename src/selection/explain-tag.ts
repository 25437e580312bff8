import { quoteValue } from '../oci/error.ts';
import { compileTagFilter } from './tag-filter.ts';
import { includeFields, withOnly } from './tag-rules.ts';
import type { TagRules } from './tag-rules.ts';
import { parseTagVersion } from './tag-version.ts';

export interface RuleDecision {
  readonly isSelected: boolean;
  /** The field of the remote that decides. */
  readonly rule: string;
  /** A sentence. */
  readonly detail: string;
}

const excludeFields = ['excludeTags', 'excludeTagPatterns'] as const;

type Field = (typeof includeFields)[number] | (typeof excludeFields)[number];

/** The include or exclude rule that decides on a tag. It agrees with `compileTagFilter`, which decides for syncs. */
export function explainRules(rules: TagRules, name: string): RuleDecision {
  const excluding = findEntry(rules, excludeFields, (one) => !compileTagFilter(one).matches(name));
  if (excluding !== undefined)
    return { isSelected: false, rule: excluding.field, detail: `${describe(excluding)} excludes it.` };
  const including = findEntry(rules, includeFields, (one) => compileTagFilter(one).matches(name));
  if (including !== undefined)
    return { isSelected: true, rule: including.field, detail: `${describe(including)} includes it.` };
  const rule = includeFields.find((field) => (rules[field] ?? []).length > 0);
  if (rule === undefined)
    return {
      isSelected: true,
      rule: 'includeTags',
      detail: 'There is no include rule, so every tag is included.',
    };
  return { isSelected: false, rule, detail: `No include rule includes it.${describeVersion(rules, name)}` };
}

interface Entry {
  readonly field: Field;
  readonly index: number;
  readonly text: string;
}

function findEntry(
  rules: TagRules,
  fields: readonly Field[],
  decides: (one: TagRules) => boolean,
): Entry | undefined {
  for (const field of fields)
    for (const [index, text] of (rules[field] ?? []).entries())
      if (decides(withOnly(rules, field, text))) return { field, index, text };
  return undefined;
}

function describe({ field, index, text }: Entry): string {
  return `${field}[${index}], ${quoteValue(text)},`;
}

function describeVersion({ semverRanges, semverSuffix }: TagRules, name: string): string {
  if ((semverRanges ?? []).length === 0) return '';
  const parsed = parseTagVersion(name);
  if (parsed === undefined) return ' It is not a version.';
  const { variant = null, version } = parsed;
  if (variant === (semverSuffix ?? null)) return ` It is version ${version.version}.`;
  return variant === null
    ? ` It has no variant; semverSuffix is ${quoteValue(semverSuffix)}.`
    : ` It is of the variant ${quoteValue(variant)}, which semverSuffix does not select.`;
}
