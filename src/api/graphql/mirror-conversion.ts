import type { Repository } from '../../db/entities.ts';
import type { Em } from '../../db/open-database.ts';
import { isPushedTo } from '../../db/read-repositories.ts';
import { quoteValue } from '../../oci/error.ts';
import { userError } from './user-error.type.ts';
import type { UserError } from './user-error.type.ts';

/** A sync makes a mirror, which refuses pushes: never unasked for a repository that takes them. */
export async function checkConversion(em: Em, repository: Repository): Promise<UserError[]> {
  if (repository.isMirrored || !(await isPushedTo(em, repository.id))) return [];
  return [
    userError(
      'WOULD_BECOME_MIRROR',
      ['repositoryId'],
      `The repository ${quoteValue(repository.name)} has content that was pushed to it. A sync would turn it into a mirror, which refuses ` +
        'pushes. Sync into another repository, or allow it once with convertToMirror: true of repositorySync.',
    ),
  ];
}
