import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { dockerHubUrl } from '../../oci/hosts/registry-address.ts';
import type { ProxyPlace } from '../../oci/hosts/proxied-name.ts';
import { mayServe } from '../access/pointers.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import { executePrepared } from '../connection/prepared.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

export interface FoundProxy extends ProxyPlace {
  readonly id: number;
  /** Null: private while logins are on. */
  readonly isPrivate: boolean | null;
}

const columns = sql`id, name as "basePath", url, namespaces, is_private as "isPrivate"`;

export async function findProxyOfNamespace(em: Em, namespace: string): Promise<FoundProxy | undefined> {
  const [row] = await executePrepared(
    em,
    sql<FoundProxy>`select ${columns} from proxy where namespaces @> array[${namespace}]::text[]`,
  );
  return row;
}

/** Whether any proxy has a namespace. */
export async function isAnyNamespaceKnown(em: Em): Promise<boolean> {
  const found = await executePrepared(em, sql<object>`select from proxy where namespaces <> '{}' limit 1`);
  return found.length > 0;
}

/** The proxy with the longest base path above a name. */
export async function findProxyAbove(em: Em, name: string): Promise<FoundProxy | undefined> {
  const [row] = await executePrepared(
    em,
    sql<FoundProxy>`
    select ${columns} from proxy where starts_with(${name}, name || '/') order by length(name) desc limit 1`,
  );
  return row;
}

/**
 * Of names in scopes of tokens, those that a caller may pull by a proxy: as the name in a namespace, by Docker Hub's short spelling, or because
 * a public proxy would make the repository.
 */
export async function readProxiedScopes(
  em: Em,
  names: readonly string[],
  { visibility, isShared }: { readonly visibility: Visibility; readonly isShared: boolean },
): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const isHub = sql`(p.url = ${dockerHubUrl} or p.namespaces @> array['docker.io'])`;
  const isAbove = sql`starts_with(n.name, p.name || '/')`;
  const found = await sql<{ name: string }>`
    select distinct n.name from unnest(${[...names]}::text[]) as n(name), proxy p, lateral (
      select n.name as served where ${isAbove}
      union all select p.name || '/' || n.name where p.namespaces <> '{}'
      union all select p.name || '/library/' || substr(n.name, length(p.name) + 2) where ${isHub} and ${isAbove}
    ) as place
    where ${nameVisible(sql`place.served`, visibility)} or ${isPublic(sql`place.served`, isShared)}`.execute(
    kysely(em),
  );
  return new Set(found.rows.map(({ name }) => name));
}

/** Whether a distribution at the name is public, or would be made public by the proxy `p`. */
function isPublic(name: RawBuilder<unknown>, isShared: boolean): RawBuilder<unknown> {
  return sql`coalesce(
    (select not d.is_private and ${mayServe(isShared)} from distribution d join repository r on r.id = d.repository_id
      where d.base_path = ${name}),
    not coalesce(p.is_private, true))`;
}
