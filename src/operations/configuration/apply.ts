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
  if (changes.length === 0) return { changes: [], mistakes: [] };
  const { name } = configuration;
  const mistakes = await makeTogether(operator, deps, name, { changes, isRehearsal: true });
  const isLeft = dryRun || mistakes.length > 0;
  const done = new Set<Change>();
  if (!isLeft)
    for (const unit of Map.groupBy(changes, (change) => change.unit).values()) {
      // somebody may have changed something since the rehearsal: then this unit is left as it is
      const late = await makeTogether(operator, deps, name, { changes: unit, isRehearsal: false });
      mistakes.push(...late);
      if (late.length === 0) for (const change of unit) done.add(change);
    }
  return { changes: changes.map((change) => ({ ...change, isApplied: done.has(change) })), mistakes };
}

class Undo extends Error {}

/** Makes changes in one transaction. A rehearsal is undone, and so is a transaction with a mistake. @returns every mistake. */
async function makeTogether(
  operator: Operator,
  deps: ConfigurationDeps,
  configuration: string,
  { changes, isRehearsal }: { readonly changes: readonly Change[]; readonly isRehearsal: boolean },
): Promise<Mistake[]> {
  const mistakes: Mistake[] = [];
  try {
    await operator.em.fork().transactional(async (em) => {
      await lockRepositories(em, repositoriesOf(changes));
      for (const change of changes)
        mistakes.push(...(await make({ ...operator, em }, deps, configuration, change)));
      if (isRehearsal || mistakes.length > 0) throw new Undo();
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
