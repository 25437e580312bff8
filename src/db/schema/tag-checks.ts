import { defineEntity, p } from '@mikro-orm/postgresql';
import { key } from './columns/columns.ts';

/** Why the stored tag may be outdated. */
export const tagProblems = ['GONE', 'REFUSED', 'SLOW', 'THROTTLED', 'UNREACHABLE', 'FAILED'] as const;
export type TagProblem = (typeof tagProblems)[number];

/** `current`: the upstream has the same. `changed`: read the tag again. `stale`: the upstream has not confirmed it, or has another one. */
export type TagAnswer =
  | { readonly kind: 'current' | 'changed' }
  | { readonly kind: 'stale'; readonly problem: TagProblem };

/** The last question to the upstream about a tag that pull-through serves. */
export const TagCheck = defineEntity({
  name: 'TagCheck',
  properties: {
    repositoryId: key,
    name: p.text().primary(),
    /** When the upstream last answered. */
    checkedAt: p.datetime().nullable(),
    /** No process asks before. A process that asks sets it first, so that it alone asks. */
    retryAt: p.datetime().nullable(),
    problem: p.enum(tagProblems).nullable(),
  },
});

/** A tag or digest that the upstream does not have. */
export const UpstreamMiss = defineEntity({
  name: 'UpstreamMiss',
  properties: { repositoryId: key, reference: p.text().primary(), expiresAt: p.datetime() },
});

export const tagChecksTables = [TagCheck, UpstreamMiss];
