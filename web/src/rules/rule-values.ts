import type { ResultOf } from '../graphql/graphql.ts';
import { settingsOf } from '../remotes/settings-values.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import { changesOf } from '../shared/forms/fields.ts';
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
    mirror: rule?.mirror ?? false,
    cron: rule?.cron ?? null,
    intervalSeconds: rule?.intervalSeconds ?? null,
    timeZone: rule?.timeZone ?? 'UTC',
    paused: rule?.paused ?? false,
    ...settingsOf(rule),
  };
}

export type Values = ReturnType<typeof valuesOf>;
export type RuleProps = FieldProps<Values>;

/** The fields that differ from the stored rule. The names are for discovery LIST alone. */
export function inputOf(values: Values, stored: Values) {
  const repositories = values.discovery === 'LIST' ? values.repositories : null;
  return changesOf({ ...values, repositories }, stored);
}
