import type { Mistake } from '../mistakes.ts';
import type { Operator } from '../operation.ts';
import { checkConfiguration } from './check-configuration.ts';
import type { Change, Configuration } from './configuration.ts';
import type { ConfigurationDeps, Reader } from './kind.ts';
import { makeTogether, readKnownIds } from './make-changes.ts';
import { planChanges } from './plan.ts';

export interface ApplyOptions {
  /** Also delete what an earlier apply of a configuration with the same name has created, and this one lacks. */
  readonly prune: boolean;
  /** Only say what would change. */
  readonly dryRun: boolean;
}

export interface Applied {
  readonly changes: readonly (Change & { readonly isApplied: boolean })[];
  /** With the place in the configuration. */
  readonly mistakes: readonly Mistake[];
}

/**
 * Makes the server as the configuration says, in one transaction for each repository. All changes are first made in one transaction that is
 * undone, so with a mistake nothing is changed. A repetition continues where an earlier one was interrupted. Needs the roles that each
 * change needs.
 */
export async function applyConfiguration(
  operator: Operator,
  deps: ConfigurationDeps,
  configuration: Configuration,
  { prune, dryRun }: ApplyOptions,
): Promise<Applied> {
  const { viewer } = operator;
  const em = operator.em.fork();
  const reader: Reader = { em, viewer, secrets: deps.secrets, isAccessOn: deps.isAccessOn };
  const wrong = await checkConfiguration(em, viewer, configuration);
  if (wrong.length > 0) return { changes: [], mistakes: wrong };
  const changes = await planChanges(reader, configuration, { prune });
  if (changes.length === 0) return { changes: [], mistakes: [] };
  const known = await readKnownIds(em, changes);
  const mistakes = await makeTogether(operator, deps, changes, { known, noteAs: undefined });
  const isLeft = dryRun || mistakes.length > 0;
  const done = new Set<Change>();
  if (!isLeft)
    for (const unit of Map.groupBy(changes, (change) => change.unit).values()) {
      // somebody may have changed something since the rehearsal: then this unit is left as it is
      const late = await makeTogether(operator, deps, unit, { known, noteAs: configuration.name });
      mistakes.push(...late);
      if (late.length === 0) for (const change of unit) done.add(change);
    }
  return { changes: changes.map((change) => ({ ...change, isApplied: done.has(change) })), mistakes };
}
