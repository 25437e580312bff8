import type { Remote } from '../../db/schema/remotes.ts';
import type { RemoteUse } from '../../db/reads/read-repositories.ts';
import { countOf } from '../../oci/count-of.ts';
import { quoteValue } from '../../oci/error.ts';
import { toGlobalId } from '../global-id.ts';
import { listNames, mistake } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';

/** What keeps a remote from being deleted. `field` is the path of the input that asked for it. */
export function remoteInUse(row: Remote, use: RemoteUse, field: readonly string[] = ['id']): Mistake[] {
  const errors: Mistake[] = [];
  if (use.repositoryCount > 0) {
    const names = listNames(use.repositoryNames, use.repositoryCount);
    errors.push(
      mistake(
        'IN_USE',
        field,
        `The remote ${quoteValue(row.name)} is used by ${names}; give these another remote, or none, first.`,
      ),
    );
  }
  if (use.schedule !== undefined)
    errors.push(
      mistake(
        'IN_USE',
        field,
        `The remote ${quoteValue(row.name)} is used by ${nameUse('Schedule', use.schedule)}; give it another remote, or delete it, first.`,
      ),
    );
  if (use.task !== undefined)
    errors.push(
      mistake(
        'IN_USE',
        field,
        `The remote ${quoteValue(row.name)} is used by ${nameUse('Task', use.task)}; wait until it has ended, or cancel it.`,
      ),
    );
  if (use.onlySourceOf > 0)
    errors.push(
      mistake(
        'IN_USE',
        field,
        `The remote ${quoteValue(row.name)} is the only source of ${countOf(use.onlySourceOf, 'blob')} that kept versions reference and that ` +
          'are not stored; sync with the policy IMMEDIATE, or delete the repositories that contain them, first.',
      ),
    );
  return errors;
}

function nameUse(type: 'Schedule' | 'Task', use: { readonly id: number; readonly isSeen: boolean }): string {
  const noun = type.toLowerCase();
  return use.isSeen ? `the ${noun} ${toGlobalId(type, use.id)}` : `a ${noun} that you may not read`;
}
