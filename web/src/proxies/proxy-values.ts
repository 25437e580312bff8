import type { ResultOf } from '../graphql/graphql.ts';
import { settingsOf } from '../remotes/settings-values.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import type { ProxyFormQuery } from './proxy-queries.ts';

type Proxy = NonNullable<ResultOf<typeof ProxyFormQuery>['proxy']>;

/** The form: the API's fields, where null is none. */
export function valuesOf(proxy: Proxy | undefined) {
  return {
    basePath: proxy?.basePath ?? '',
    url: proxy?.url ?? '',
    namespaces: proxy?.namespaces ?? [],
    includeRepositories: proxy?.includeRepositories ?? [],
    excludeRepositories: proxy?.excludeRepositories ?? [],
    repositoriesAtMost: proxy?.repositoriesAtMost ?? 1_000,
    tagTtlSeconds: proxy?.tagTtlSeconds ?? 300,
    notFoundTtlSeconds: proxy?.notFoundTtlSeconds ?? 60,
    cacheBytes: proxy?.cacheBytes ?? null,
    private: proxy?.private ?? null,
    ...settingsOf(proxy),
    policy: proxy?.policy ?? 'ON_DEMAND',
  };
}

export type ProxyProps = FieldProps<ReturnType<typeof valuesOf>>;
