import { sql } from 'kysely';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { recordRepository } from '../webhooks/record-events.ts';
import { isVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

export interface PushTarget {
  readonly repositoryId: number;
  /** 0 before the first. */
  readonly latest: number;
}

export interface PushCaller {
  /** Whether private distributions are visible. What the caller creates is then private. */
  readonly seesPrivate: boolean;
  /** The repositories that the caller may change: a base path may serve another one. */
  readonly changes: Visibility;
}

interface FoundTarget extends PushTarget {
  readonly name: string;
  readonly pinnedVersion: number | null;
  readonly isPrivate: boolean;
  readonly isMirrored: boolean;
}

/**
 * The target of a push to a name, or of a deletion.
 * @throws TidemarkError `NAME_UNKNOWN`, or `DENIED` for a pinned distribution or a mirror.
 */
export async function findPushTarget(em: Em, basePath: string, caller: PushCaller): Promise<PushTarget> {
  return allow(basePath, caller, await readTarget(em, basePath, false));
}

/** With the repository's row locked. */
export async function lockPushTarget(em: Em, basePath: string, caller: PushCaller): Promise<PushTarget> {
  return allow(basePath, caller, await readTarget(em, basePath, true));
}

/** Creates the repository and its distribution if the name is unknown. */
export async function makePushTarget(em: Em, basePath: string, caller: PushCaller): Promise<PushTarget> {
  const found = await readTarget(em, basePath, false);
  if (found !== undefined) return allow(basePath, caller, found);
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const made = await sql<{ id: number }>`
      insert into repository (name) values (${basePath}) on conflict do nothing returning id`.execute(db);
    const id = made.rows[0]?.id;
    if (id === undefined) return;
    await sql`
      insert into distribution (base_path, repository_id, is_private, is_decided)
      values (${basePath}, ${id}, ${caller.seesPrivate}, ${caller.seesPrivate})`.execute(db);
    await recordRepository(transaction, 'repository.created', { id, name: basePath });
  });
  const target = await readTarget(em, basePath, false);
  if (target !== undefined) return allow(basePath, caller, target);
  throw denied(
    `There is a repository ${quoteValue(basePath)}, but no distribution is at its name: it cannot be pushed to here. ` +
      'Give it one, or push to another name.',
  );
}

async function readTarget(em: Em, basePath: string, locked: boolean): Promise<FoundTarget | undefined> {
  const found = await sql<FoundTarget>`
    select r.id as "repositoryId", r.name, r.latest, d.version as "pinnedVersion", d.is_private as "isPrivate",
      r.is_mirrored as "isMirrored"
    from distribution d join repository r on r.id = d.repository_id
    where d.base_path = ${basePath} ${locked ? sql`for update of r` : sql``}`.execute(kysely(em));
  return found.rows[0];
}

function allow(
  basePath: string,
  { seesPrivate, changes }: PushCaller,
  target: FoundTarget | undefined,
): PushTarget {
  const name = quoteValue(basePath);
  if (target === undefined || (target.isPrivate && !seesPrivate))
    throw new TidemarkError(
      'NAME_UNKNOWN',
      `The repository ${name} was not found; /v2/_catalog lists the repositories.`,
      {
        origin: 'caller',
      },
    );
  if (!isVisible(changes, target.name))
    throw denied(
      `The distribution ${name} serves another repository, which you may not change. Push to another name.`,
    );
  if (target.isMirrored)
    throw denied(
      `The repository ${name} is a mirror: only syncs change it, and the next one would undo your push. Push to another name.`,
    );
  if (target.pinnedVersion !== null)
    throw denied(
      `The distribution ${name} is pinned to version ${target.pinnedVersion}, which never changes. Push to a distribution that ` +
        'follows the latest version.',
    );
  return target;
}

function denied(message: string): TidemarkError {
  return new TidemarkError('DENIED', message, { origin: 'caller' });
}
