import { LockMode } from '@mikro-orm/core';
import { releaseTag } from '../../db/outcomes/tag-releases.ts';
import { Repository } from '../../db/schema/repositories.ts';
import { isTagName } from '../../oci/tag-name.ts';
import { quoteValue } from '../../oci/error.ts';
import { mistake } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import type { Operator, Reference } from '../operation.ts';
import { lacksRole } from '../permit.ts';
import { lockNamed, repositoryNotFound } from '../references.ts';
import { startSync } from '../syncs.ts';
import type { SyncDeps } from '../syncs.ts';
import { refusedTask } from '../tasks.ts';
import type { TaskOutcome } from '../tasks.ts';

const reasonMax = 500;

export interface TagReleaseRequest {
  readonly repository: Reference;
  readonly name: string;
  readonly reason: string;
}

/**
 * Releases the waiting digest of a tag: syncs take it at any age. The release is recorded with the caller and the reason. Then starts a sync
 * of this tag. Needs the role maintainer for the repository.
 */
export async function releaseWaitingTag(
  operator: Operator,
  deps: SyncDeps,
  { repository, name, reason }: TagReleaseRequest,
): Promise<TaskOutcome> {
  const { em, viewer } = operator;
  const mistakes: Mistake[] = await em.fork().transactional(async (transaction) => {
    const row = await lockNamed(transaction, viewer, Repository, repository, LockMode.PESSIMISTIC_READ);
    if (row === null) return [repositoryNotFound(repository)];
    const found = [...lacksRole(viewer, 'maintainer', row.name, repository.field), ...checkReason(reason)];
    if (found.length > 0) return found;
    const isReleased =
      isTagName(name) &&
      (await releaseTag(transaction, { repositoryId: row.id, name, reason, releasedBy: viewer.identity }));
    return isReleased ? [] : [notWaiting(row.name, name)];
  });
  if (mistakes.length > 0) return refusedTask(...mistakes);
  return startSync(operator, deps, { repository, overrides: { includeTags: [name] } });
}

function checkReason(reason: string): Mistake[] {
  const text = reason.trim();
  if (text !== '' && text.length <= reasonMax && !text.includes('\0')) return [];
  return [
    mistake(
      'INVALID',
      ['reason'],
      `reason has ${text.length} characters; expected 1 to ${reasonMax}. Say why the tag is released.`,
    ),
  ];
}

function notWaiting(repositoryName: string, name: string): Mistake {
  return mistake(
    'NOT_FOUND',
    ['name'],
    `The tag ${quoteValue(name)} of ${quoteValue(repositoryName)} does not wait for its minimum age. Repository.waitingTags lists those that do.`,
  );
}
