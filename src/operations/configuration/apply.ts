import { forgetConfigured, noteConfigured } from '../../db/configuration/configured-things.ts';
import { lockRepositories } from '../../db/configuration/lock-repositories.ts';
import type { Mistake } from '../mistakes.ts';
import type { Operator } from '../operation.ts';
import { checkConfiguration } from './check-configuration.ts';
import type { Change, Configuration } from './configuration.ts';
import type { ConfigurationDeps, Reader } from './kind.ts';
import { kindOf } from './kinds.ts';
import { changedValues, planChanges, repositoriesOf } from './plan.ts';

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
  const em = operator.em.fork();
  const reader = readerOf({ ...operator, em }, deps);
  const wrong = await checkConfiguration(em, operator.viewer, configuration);
  if (wrong.length > 0) return { changes: [], mistakes: wrong };
  const changes = await planChanges(reader, configuration, { prune });
  const mistakes = await rehearse(operator, deps, configuration.name, changes);
  const isLeft = dryRun || mistakes.length > 0;
  const done = new Set<Change>();
  if (!isLeft)
    for (const unit of Map.groupBy(changes, (change) => change.unit).values()) {
      const late = await makeUnit(operator, deps, configuration.name, unit);
      mistakes.push(...late);
      if (late.length === 0) for (const change of unit) done.add(change);
    }
  return { changes: changes.map((change) => ({ ...change, isApplied: done.has(change) })), mistakes };
}

/** Makes all changes in one transaction, and undoes it. @returns every mistake. */
async function rehearse(
  operator: Operator,
  deps: ConfigurationDeps,
  configuration: string,
  changes: readonly Change[],
): Promise<Mistake[]> {
  const mistakes: Mistake[] = [];
  if (changes.length === 0) return mistakes;
  await inUndoneTransaction(operator, async (inside) => {
    await lockRepositories(inside.em, repositoriesOf(changes));
    for (const change of changes) mistakes.push(...(await make(inside, deps, configuration, change)));
  });
  return mistakes;
}

class Undo extends Error {}

async function inUndoneTransaction(
  operator: Operator,
  work: (inside: Operator) => Promise<void>,
): Promise<void> {
  try {
    await operator.em.fork().transactional(async (em) => {
      await work({ ...operator, em });
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
}

/** Somebody may have changed something since the rehearsal. Then this unit is left as it is. */
async function makeUnit(
  operator: Operator,
  deps: ConfigurationDeps,
  configuration: string,
  unit: readonly Change[],
): Promise<Mistake[]> {
  const mistakes: Mistake[] = [];
  try {
    await operator.em.fork().transactional(async (em) => {
      await lockRepositories(em, repositoriesOf(unit));
      for (const change of unit)
        mistakes.push(...(await make({ ...operator, em }, deps, configuration, change)));
      if (mistakes.length > 0) throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
  return mistakes;
}

async function make(
  operator: Operator,
  deps: ConfigurationDeps,
  configuration: string,
  change: Change,
): Promise<Mistake[]> {
  const kind = kindOf(change.kind);
  const { em } = operator;
  if (change.action === 'CREATE') {
    const { value, mistakes } = await kind.create(operator, deps, change.wanted);
    if (mistakes !== undefined) return place(change, mistakes);
    await noteConfigured(em, configuration, { kind: change.kind, id: value });
    return [];
  }
  const thing = { key: change.id ?? (await findMade(operator, deps, change)), field: '', text: change.name };
  if (change.action === 'UPDATE') {
    const update = { thing, changes: changedValues(change), values: change.wanted };
    return place(change, (await kind.update(operator, deps, update)).mistakes ?? []);
  }
  const { mistakes } = await kind.remove(operator, deps, thing);
  if (mistakes !== undefined) return place(change, mistakes);
  await forgetConfigured(em, { kind: change.kind, id: change.id ?? 0 });
  return [];
}

function readerOf({ em, viewer }: Operator, { secrets, isAccessOn }: ConfigurationDeps): Reader {
  return { em, viewer, secrets, isAccessOn };
}

/** The key of what came with an earlier change. */
async function findMade(
  operator: Operator,
  deps: ConfigurationDeps,
  { kind, name }: Change,
): Promise<number | undefined> {
  const [found] = await kindOf(kind).read(readerOf(operator, deps), { names: [name] });
  return found?.id;
}

const idFields: Readonly<Record<string, string>> = {
  remoteId: 'remote',
  credentialId: 'credential',
  repositoryId: 'repository',
  signaturePolicyId: 'signaturePolicy',
  versionId: 'version',
};

/** The mistakes of an operation at their place in the configuration. What is deleted has none. */
function place({ path, action, name }: Change, mistakes: readonly Mistake[]): Mistake[] {
  return mistakes.map(({ code, field, message }) => ({
    code,
    field:
      action === 'DELETE'
        ? []
        : [...path, ...field.filter((part) => part !== '').map((part) => idFields[part] ?? part)],
    message: action === 'DELETE' ? `${name} cannot be deleted: ${message}` : message,
  }));
}
