import type { Em } from '../../db/open-database.ts';
import { markFailedTags } from '../../db/outcomes/failed-content.ts';
import type { Failed, FailedTag } from '../../db/outcomes/failed-content.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { Warning } from '../../db/tasks/task-warnings.ts';
import { countOf } from '../../oci/count-of.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';

/** Tags that get a warning of their own. A task keeps 100 warnings of all kinds. */
const namedMost = 50;

/**
 * Skips the tags whose content the upstream cannot deliver: the commit leaves them as they are.
 * @throws TidemarkError the error of the first tag if no tag is left
 */
export async function failTags(em: Em, taskId: number): Promise<Failed | undefined> {
  const failed = await markFailedTags(em, taskId, namedMost);
  const first = failed?.tags[0];
  if (failed?.taken === 0 && first !== undefined) throw new TidemarkError(first.code, first.reason);
  return failed;
}

/** The same at the end of a sync, with a warning for each skipped tag. */
export async function warnOfFailedTags(em: Em, taskId: number): Promise<void> {
  const failed = await failTags(em, taskId);
  if (failed === undefined) return;
  const more = failed.count - failed.tags.length;
  await addWarnings(em, taskId, [
    ...failed.tags.map(describe),
    ...(more > 0
      ? [`${countOf(more, 'more tag')} could not be synced and ${more === 1 ? 'was' : 'were'} skipped.`]
      : []),
  ]);
}

const digests = /sha(?:256|512):[0-9a-f]{64,128}/g;

function describe({ name, reason, digest, keptDigest }: FailedTag): Warning {
  const what = nameOf(name, digest);
  const message = `${what} was skipped: ${reason} ${keptDigest === null ? 'It is not in the repository.' : `It stays at ${keptDigest}.`}`;
  return { message, name, differs: [what, `/manifests/${name}`, ...(message.match(digests) ?? [])] };
}

function nameOf(name: string, digest: string | null): string {
  if (name.startsWith('@')) return `The manifest ${digest ?? ''}, which refers to ${name.slice(1)},`;
  return name.includes(':') ? `The manifest ${name}` : `The tag ${quoteValue(name)}`;
}
