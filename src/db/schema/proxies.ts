import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { autoId, key, timestamps } from './columns/columns.ts';
import type { Identity } from './columns/identity.ts';
import { fallbacksColumn } from './upstreams.ts';

/** Makes a repository of an upstream registry when it is first pulled. */
export const RegistryProxy = defineEntity({
  name: 'RegistryProxy',
  tableName: 'proxy',
  properties: {
    id: autoId,
    /** Its base path: the names of its repositories begin with it and a slash. */
    name: p.text(),
    url: p.text(),
    /** What clients send as `ns=`. Each belongs to one proxy. */
    namespaces: p.array().columnType('text[]').default([]),
    includeRepositories: p.array().columnType('text[]').default([]),
    excludeRepositories: p.array().columnType('text[]').default([]),
    repositoriesAtMost: p.integer().default(1_000),
    /** Of the distributions that it makes. */
    tagTtlSeconds: p.integer().default(300),
    notFoundTtlSeconds: p.integer().default(60),
    /** The limit of the layers that pulls through its repositories have fetched; null: none of its own. */
    cacheBytes: p.bigint('number').nullable(),
    /** Null: private while logins are on. */
    isPrivate: p.boolean().nullable(),
    /** The remotes that it makes, as of a mirror rule. */
    template: p
      .json<Readonly<Record<string, unknown>>>()
      .onCreate(() => ({}))
      .defaultRaw("'{}'"),
    /** JSON of the secret fields of those remotes, encrypted. */
    secretsSealed: p.text().nullable(),
    signaturePolicyId: p.bigint('number').nullable(),
    credentialId: p.bigint('number').nullable(),
    fallbacks: fallbacksColumn,
    /** The caller who created or last changed it. It makes repositories with their rights. */
    madeBy: p.json<Identity>().nullable(),
    ...timestamps,
  },
});
export type RegistryProxy = InferEntity<typeof RegistryProxy>;

/** A repository that a proxy has made. */
export const ProxyRepository = defineEntity({
  name: 'ProxyRepository',
  properties: { repositoryId: key.autoincrement(false), proxyId: p.bigint('number') },
});

export const proxiesTables = [RegistryProxy, ProxyRepository];
