import type { ResultOf } from '../graphql/graphql.ts';
import type { RemoteQuery } from './remote-queries.ts';
import { settingsOf } from './settings-values.ts';

export type Remote = NonNullable<ResultOf<typeof RemoteQuery>['remote']>;

/** The form: the API's fields, where null is none. */
export function valuesOf(remote: Remote | undefined) {
  return {
    name: remote?.name ?? '',
    url: remote?.url ?? '',
    upstreamName: remote?.upstreamName ?? '',
    ...settingsOf(remote),
  };
}

export type Values = ReturnType<typeof valuesOf>;
