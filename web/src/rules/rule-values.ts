import type { ResultOf } from '../graphql/graphql.ts';
import type { RuleFormQuery } from './rule-queries.ts';

export type Rule = NonNullable<ResultOf<typeof RuleFormQuery>['mirrorRule']>;

/** The form: the API's fields, where null is none. */
export function valuesOf(rule: Rule | undefined) {
  return {
    name: rule?.name ?? '',
    url: rule?.url ?? '',
    discovery: rule?.discovery ?? 'CATALOG',
    repositories: rule?.repositories ?? null,
    includeRepositories: rule?.includeRepositories ?? [],
    excludeRepositories: rule?.excludeRepositories ?? [],
    stripPrefix: rule?.stripPrefix ?? null,
    targetPrefix: rule?.targetPrefix ?? '',
    repositoriesAtMost: rule?.repositoriesAtMost ?? 1_000,
    policy: rule?.policy ?? 'IMMEDIATE',
    includeTags: rule?.includeTags ?? null,
    excludeTags: rule?.excludeTags ?? null,
    username: rule?.username ?? null,
    /** Undefined keeps the stored one. */
    password: undefined as string | null | undefined,
    credentialId: rule?.credential?.id ?? null,
    mirror: rule?.mirror ?? false,
    cron: rule?.cron ?? null,
    intervalSeconds: rule?.intervalSeconds ?? null,
    timeZone: rule?.timeZone ?? 'UTC',
    paused: rule?.paused ?? false,
  };
}

export type Values = ReturnType<typeof valuesOf>;

export interface FieldProps {
  readonly values: Values;
  readonly set: (changes: Partial<Values>) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
}

/** The fields that differ from the stored rule, as the API takes them. */
export function inputOf(values: Values, stored: Values): Record<string, unknown> {
  const { repositories } = values;
  // The names are for discovery LIST alone.
  const sent = { ...values, repositories: values.discovery === 'LIST' ? repositories : null };
  return Object.fromEntries(
    Object.entries(sent).filter(
      ([field, value]) => JSON.stringify(value) !== JSON.stringify(stored[field as keyof Values]),
    ),
  );
}
