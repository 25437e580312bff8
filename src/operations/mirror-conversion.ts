import type { Repository } from '../db/schema/repositories.ts';
import type { Em } from '../db/open-database.ts';
import { isPushedTo } from '../db/reads/read-repositories.ts';
import { quoteValue } from '../oci/error.ts';
import { mistake } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';

/** A sync makes a mirror, which refuses pushes: never unasked for a repository that takes them. */
export async function checkConversion(em: Em, repository: Repository): Promise<Mistake[]> {
  if (repository.isMirrored || repository.latest === 0 || !(await isPushedTo(em, repository.id))) return [];
  return [
    mistake(
      'WOULD_BECOME_MIRROR',
      ['repositoryId'],
      `The repository ${quoteValue(repository.name)} has content that was pushed to it. A sync would turn it into a mirror, which refuses ` +
        'pushes. Sync into another repository, or allow it once with convertToMirror: true of repositorySync.',
    ),
  ];
}
