import { sql } from 'kysely';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

export interface ServedNamespace {
  /** Host and port of the upstream's URL. */
  readonly host: string;
  /** The base path below which distributions have the names that their upstream has. */
  readonly basePath: string;
}

const listedMax = 100;
/** More than any distributions: a proxy serves all repositories of its namespaces. */
const proxyCount = 2 ** 52;

/**
 * The upstream registries whose repositories are served below a base path: `mirror/quay/org/app` for `org/app` of quay.io. If there are
 * several, the proxy of that namespace, else the base path with the most distributions. At most 100, by host.
 */
export async function readServedNamespaces(em: Em, visibility: Visibility): Promise<ServedNamespace[]> {
  const found = await sql<ServedNamespace>`
    select distinct on (host) host, "basePath" from (
      select substring(u.url from '^https?://([^/]+)$') as host, left(d.base_path, -length(u.upstream_name) - 1) as "basePath",
        count(*) as count
      from distribution d join repository r on r.id = d.repository_id join remote u on u.id = r.remote_id
      where right(d.base_path, length(u.upstream_name) + 1) = '/' || u.upstream_name
        and ${nameVisible(sql`d.base_path`, visibility)} and ${nameVisible(sql`r.name`, visibility)}
      group by 1, 2
      union all
      select namespace, p.name, ${proxyCount} from proxy p, unnest(p.namespaces) as namespace
      where p.is_private is false or ${nameVisible(sql`p.name`, visibility)} or ${nameVisible(sql`p.name || '/'`, visibility)}
    ) served
    where host is not null
    order by host, count desc, "basePath" limit ${listedMax}`.execute(kysely(em));
  return found.rows;
}
