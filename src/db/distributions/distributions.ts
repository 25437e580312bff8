import { sql } from 'kysely';
import { Distribution } from '../schema/distributions.ts';
import type { Em } from '../open-database.ts';
import { mayServe } from '../access/pointers.ts';
import { executePrepared } from '../connection/prepared.ts';
import { toPage } from '../reads/read-page.ts';
import type { Page } from '../reads/read-page.ts';
import { kysely } from '../sql.ts';
import { toPolicyKey } from '../policies/verdicts.ts';
import type { PolicyKey } from '../schema/signatures.ts';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

export interface ResolvedDistribution {
  readonly repositoryId: number;
  /** The pinned or the latest version; 0 before the first. */
  readonly version: number;
  readonly isPrivate: boolean;
  /** The remote for missing tags and digests; null without pull-through. */
  readonly pullThroughRemoteId: number | null;
  /** How long a tag is served without a question to the remote; null: as long as it is stored. */
  readonly tagTtlSeconds: number | null;
  /** How long the remote's answer that it lacks a tag or digest is believed. */
  readonly notFoundTtlSeconds: number;
  /** Each of these policies must verify an image before it is served. */
  readonly policies: readonly PolicyKey[];
  /** Whether images are pushed and signed through it: it has no policy of its own and follows the latest version. */
  readonly isSignedHere: boolean;
  /** Whether a digest that the version lacks is looked up in the repository's other versions: it follows the latest version of a mirror. */
  readonly servesKept: boolean;
}

interface BindingPolicy {
  readonly policyId: number | null;
  readonly revision: number;
  readonly dockerReference: string | null;
}

interface FoundDistribution extends Omit<ResolvedDistribution, 'policies'> {
  readonly own: BindingPolicy;
  readonly general: BindingPolicy;
  readonly url: string | null;
  readonly upstreamName: string;
}

/** The policy of the repository or of its remote. It binds in addition to the distribution's own. */
const generalPolicy = sql<number | null>`coalesce(r.signature_policy_id, u.signature_policy_id)`;

const bindingPolicy = (row: string) => sql<BindingPolicy>`jsonb_build_object(
  'policyId', ${sql.ref(`${row}.id`)}, 'revision', ${sql.ref(`${row}.revision`)}, 'dockerReference', ${sql.ref(`${row}.docker_reference`)})`;

/**
 * What a base path serves, in one statement.
 * @param isShared Whether logins are on: then the caller who set the target must still have the right to read it.
 */
export async function resolveDistribution(
  em: Em,
  basePath: string,
  isShared: boolean,
): Promise<ResolvedDistribution | undefined> {
  const [row] = await executePrepared(
    em,
    sql<FoundDistribution>`
    select d.repository_id as "repositoryId", coalesce(d.version, r.latest) as version, d.is_private as "isPrivate",
      case when d.pull_through then r.remote_id end as "pullThroughRemoteId",
      d.tag_ttl_seconds as "tagTtlSeconds", d.not_found_ttl_seconds as "notFoundTtlSeconds",
      ${bindingPolicy('o')} as own, ${bindingPolicy('g')} as general, u.url, u.upstream_name as "upstreamName",
      d.signature_policy_id is null and d.version is null and d.base_path = r.name and not r.is_mirrored as "isSignedHere",
      d.version is null and r.is_mirrored as "servesKept"
    from distribution d join repository r on r.id = d.repository_id left join remote u on u.id = r.remote_id
      left join signature_policy o on o.id = d.signature_policy_id left join signature_policy g on g.id = ${generalPolicy}
    where d.base_path = ${basePath} and ${mayServe(isShared)}`,
  );
  if (row === undefined) return undefined;
  const { own, general, url, upstreamName, ...resolved } = row;
  return { ...resolved, policies: policiesOf({ own, general, url, upstreamName }) };
}

/** Without duplicates. */
function policiesOf({
  own,
  general,
  url,
  upstreamName,
}: Pick<FoundDistribution, 'own' | 'general' | 'url' | 'upstreamName'>): PolicyKey[] {
  const binding = own.policyId === general.policyId ? [own] : [own, general];
  return binding.flatMap((policy) => toPolicyKey({ ...policy, url, upstreamName }) ?? []);
}

/** Ids of the binding policies of each distribution: its own first, then the general one. */
export async function readPoliciesInForce(em: Em, ids: readonly number[]): Promise<number[][]> {
  const found = await sql<{ id: number; own: number | null; general: number | null }>`
    select d.id, d.signature_policy_id as own, ${generalPolicy} as general
    from distribution d join repository r on r.id = d.repository_id left join remote u on u.id = r.remote_id
    where d.id = any(${[...ids]}::bigint[])`.execute(kysely(em));
  const byId = new Map(found.rows.map(({ id, own, general }) => [id, new Set([own, general])]));
  return ids.map((id) => [...(byId.get(id) ?? [])].filter((policyId) => policyId !== null));
}

/** A page of the public and the visible base paths that begin with a prefix, in lexical order of what follows it. */
export async function readBasePathPage(
  em: Em,
  { visibility, isShared }: { readonly visibility: Visibility; readonly isShared: boolean },
  page: { readonly first: number; readonly after: string | undefined; readonly prefix: string },
): Promise<Page<{ basePath: string }>> {
  const found = await sql<{ basePath: string }>`
    select d.base_path as "basePath" from distribution d join repository r on r.id = d.repository_id
    where d.base_path > ${`${page.prefix}${page.after ?? ''}`} and starts_with(d.base_path, ${page.prefix}) and (not d.is_private or ${nameVisible(sql`d.base_path`, visibility)})
      and ${mayServe(isShared)}
    order by d.base_path limit ${page.first + 1}`.execute(kysely(em));
  return toPage(found.rows, page.first);
}

/** The public ones of these base paths. */
export async function readPublicNames(
  em: Em,
  basePaths: readonly string[],
  isShared: boolean,
): Promise<ReadonlySet<string>> {
  if (basePaths.length === 0) return new Set();
  const found = await sql<{ basePath: string }>`
    select d.base_path as "basePath" from distribution d join repository r on r.id = d.repository_id
    where d.base_path = any(${basePaths}::text[]) and not d.is_private and ${mayServe(isShared)}`.execute(
    kysely(em),
  );
  return new Set(found.rows.map((row) => row.basePath));
}

export async function isBasePathTaken(em: Em, basePath: string): Promise<boolean> {
  return (await em.count(Distribution, { basePath })) > 0;
}

/** What has the name that a new repository is to have: another repository, or a distribution of one. */
export async function findNameHolder(em: Em, name: string): Promise<'REPOSITORY' | 'DISTRIBUTION' | null> {
  const found = await sql<{ holder: 'REPOSITORY' | 'DISTRIBUTION' | null }>`
    select case when exists (select from repository where name = ${name}) then 'REPOSITORY'
      when exists (select from distribution where base_path = ${name}) then 'DISTRIBUTION' end as holder`.execute(
    kysely(em),
  );
  return found.rows[0]?.holder ?? null;
}

/** Creates the distribution at a new repository's own name, in the caller's transaction. */
export async function createOwnDistribution(
  em: Em,
  repository: { readonly id: number; readonly name: string },
  { isPrivate }: { readonly isPrivate: boolean } = { isPrivate: false },
): Promise<void> {
  // Private from the start: logins are on, so there is nothing left to decide.
  const own = { basePath: repository.name, repositoryId: repository.id, isPrivate, isDecided: isPrivate };
  await em.persist(em.create(Distribution, own)).flush();
}

/** Renames the distribution at a repository's own name. Its other distributions keep their base paths. */
export async function renameOwnDistribution(
  em: Em,
  repository: { readonly id: number; readonly name: string },
  newName: string,
): Promise<void> {
  await em.nativeUpdate(
    Distribution,
    { basePath: repository.name, repositoryId: repository.id },
    { basePath: newName, updatedAt: new Date() },
  );
}
