import { forgetConfigured, noteConfigured } from '../../db/configuration/configured-things.ts';
import { lockRepositories } from '../../db/configuration/lock-repositories.ts';
import { findByNames } from '../../db/configuration/named-things.ts';
import type { NamedKind } from '../../db/configuration/named-things.ts';
import type { Em } from '../../db/open-database.ts';
import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import type { Mistake } from '../mistakes.ts';
import { Refusal } from '../operation.ts';
import type { Operator } from '../operation.ts';
import type { Change } from './configuration.ts';
import { namedBy } from './find-named.ts';
import type { ConfigurationDeps, Maker } from './kind.ts';
import { kindOf } from './kinds.ts';
import { changedValues, repositoriesOf } from './plan.ts';

/** The ids of what the changes name, by `keyOf`. */
type KnownIds = Map<string, number>;

function keyOf(kind: ConfiguredKind, name: string): string {
  return `${kind} ${name}`;
}

/** The ids of what the changes name and is there already, with one statement a kind. */
export async function readKnownIds(em: Em, changes: readonly Change[]): Promise<KnownIds> {
  const names = new Map<NamedKind, Set<string>>();
  for (const { kind, wanted } of changes)
    for (const { kind: named, name } of namedBy(kindOf(kind), wanted))
      names.set(named, (names.get(named) ?? new Set()).add(name));
  const known: KnownIds = new Map();
  for (const [kind, wanted] of names)
    for (const { id, name } of await findByNames(em, kind, [...wanted])) known.set(keyOf(kind, name), id);
  return known;
}

interface Made {
  readonly kind: ConfiguredKind;
  readonly name: string;
  readonly id: number;
}

/**
 * Makes changes in one transaction, which is undone where there are mistakes.
 * @param known Gets what was created.
 * @param noteAs The name of the configuration. Undefined: a rehearsal, which is undone.
 * @returns every mistake.
 */
export async function makeTogether(
  operator: Operator,
  deps: ConfigurationDeps,
  changes: readonly Change[],
  { known, noteAs }: { readonly known: KnownIds; readonly noteAs: string | undefined },
): Promise<Mistake[]> {
  const mistakes: Mistake[] = [];
  const created: Made[] = [];
  const own: KnownIds = new Map();
  const idOf: Maker['idOf'] = (kind, name) => own.get(keyOf(kind, name)) ?? known.get(keyOf(kind, name));
  try {
    await operator.em.fork().transactional(async (em) => {
      const maker: Maker = { em, viewer: operator.viewer, idOf, isUndoneByMistakes: true };
      await lockRepositories(em, repositoriesOf(changes));
      for (const change of changes) {
        const { id, wrong, isLast } = await make(maker, deps, change);
        mistakes.push(...wrong);
        if (isLast) break;
        if (id === undefined) continue;
        created.push({ kind: change.kind, name: change.name, id });
        own.set(keyOf(change.kind, change.name), id);
      }
      if (noteAs === undefined || mistakes.length > 0) throw new Undo();
      await noteConfigured(em, noteAs, created);
      for (const { action, kind, id } of changes)
        if (action === 'DELETE' && id !== undefined) await forgetConfigured(em, { kind, id });
    });
  } catch (error) {
    if (error instanceof Undo) return mistakes;
    throw error;
  }
  for (const [key, id] of own) known.set(key, id);
  return [];
}

class Undo extends Error {}

interface Step {
  /** Of what was created. */
  readonly id?: number;
  readonly wrong: readonly Mistake[];
  /** PostgreSQL takes no more statements in this transaction. */
  readonly isLast?: boolean;
}

async function make(maker: Maker, deps: ConfigurationDeps, change: Change): Promise<Step> {
  const kind = kindOf(change.kind);
  try {
    if (change.action === 'CREATE') {
      const { value, mistakes } = await kind.create(maker, deps, change.wanted);
      return mistakes === undefined ? { id: value, wrong: [] } : { wrong: place(change, mistakes) };
    }
    const thing = { key: change.id ?? (await findMade(maker, deps, change)), field: '', text: change.name };
    const { mistakes = [] } =
      change.action === 'DELETE'
        ? await kind.remove(maker, deps, thing)
        : await kind.update(maker, deps, { thing, changes: changedValues(change), values: change.wanted });
    return { wrong: place(change, mistakes) };
  } catch (error) {
    if (error instanceof Refusal) return { wrong: place(change, error.mistakes), isLast: true };
    throw error;
  }
}

/** The key of what came with an earlier change. */
async function findMade(
  { em, viewer }: Maker,
  { secrets, isAccessOn }: ConfigurationDeps,
  { kind, name }: Change,
): Promise<number | undefined> {
  const [found] = await kindOf(kind).read({ em, viewer, secrets, isAccessOn }, { names: [name] });
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
