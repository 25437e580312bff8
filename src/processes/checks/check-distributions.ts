import { decideEarlier, hideUndecided, readUndecided } from '../../db/distributions/earlier-distributions.ts';
import type { EarlierAccess } from '../../db/distributions/earlier-distributions.ts';
import type { Em } from '../../db/open-database.ts';
import { countOf } from '../../oci/count-of.ts';

const namedAtMost = 20;

interface CheckOptions {
  readonly areLoginsOn: boolean;
  /** `TIDEMARK_EARLIER_DISTRIBUTIONS`. */
  readonly earlier: EarlierAccess | undefined;
  readonly log: (message: string) => void;
}

/**
 * Runs before the API accepts requests. While logins are on, the setting decides on distributions that were created without logins. Without
 * the setting they are private, and the log lists them with the commands to decide.
 */
export async function checkDistributions(em: Em, { areLoginsOn, earlier, log }: CheckOptions): Promise<void> {
  if (areLoginsOn && earlier !== undefined) {
    const count = await decideEarlier(em, earlier);
    if (count > 0)
      log(
        `${countOf(count, 'distribution')} created while logins were off ${count === 1 ? 'is' : 'are'} now ${earlier} (TIDEMARK_EARLIER_DISTRIBUTIONS)`,
      );
    return;
  }
  await hideUndecided(em, { areLoginsOn });
  if (!areLoginsOn) return;
  const { count, first } = await readUndecided(em, namedAtMost);
  if (count === 0) return;
  const names = first.map(({ basePath, repository }) =>
    basePath === repository ? basePath : `${basePath} (of ${repository})`,
  );
  const more =
    count > first.length ? ` and ${count - first.length} more ("tidemark distributions" lists them)` : '';
  log(
    `Logins are on. ${countOf(count, 'distribution')} created while logins were off ${count === 1 ? 'is' : 'are'} private until you decide: ` +
      `${names.join(', ')}${more}. For each, run "tidemark distribution update <base path> --public" or "--private". ` +
      'To decide for all, start once with TIDEMARK_EARLIER_DISTRIBUTIONS=public or =private',
  );
}
