import { decideEarlier, hideUndecided, readUndecided } from '../db/distributions/earlier-distributions.ts';
import type { EarlierAccess } from '../db/distributions/earlier-distributions.ts';
import type { Em } from '../db/open-database.ts';

const namedAtMost = 20;

interface CheckOptions {
  readonly areLoginsOn: boolean;
  /** `TIDEMARK_EARLIER_DISTRIBUTIONS`. */
  readonly earlier: EarlierAccess | undefined;
  readonly log: (message: string) => void;
}

/**
 * Before the API answers: while logins are on, distributions that were made without are decided by the setting. Without it they are
 * private until somebody decides, and the log lists them with what to type.
 */
export async function checkDistributions(em: Em, { areLoginsOn, earlier, log }: CheckOptions): Promise<void> {
  if (areLoginsOn && earlier !== undefined) {
    const count = await decideEarlier(em, earlier);
    if (count > 0)
      log(
        `Distributions from the time without logins are ${earlier} from now on: ${count} (TIDEMARK_EARLIER_DISTRIBUTIONS)`,
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
    `Logins are on. Nobody has decided who may pull from ${count} distribution(s) that were made while logins were off: ${names.join(', ')}${more}. ` +
      'They are private until then. For each, type "tidemark distribution update <base path> --public" or "--private"; ' +
      'for all, start once with TIDEMARK_EARLIER_DISTRIBUTIONS=public or =private',
  );
}
