import { may } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import { readConfigured } from '../../db/configuration/configured-things.ts';
import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import type { Change, Configuration, FieldChange, Present, Values } from './configuration.ts';
import { distributionKind, ownDistribution } from './distribution-kind.ts';
import { isSameJson } from './values.ts';
import type { Kind, Reader } from './kind.ts';
import { kinds } from './kinds.ts';
import { listWishes, namesOf } from './list-wishes.ts';
import type { Wish } from './list-wishes.ts';
import { pairSchedules } from './pair-schedules.ts';

/** The changes that make the server as the configuration says, in the order in which they have to be made. Reads only. */
export async function planChanges(
  reader: Reader,
  configuration: Configuration,
  { prune }: { readonly prune: boolean },
): Promise<Change[]> {
  const wishes = listWishes(configuration);
  const owned = await readConfigured(reader.em, configuration.name);
  const makes: Change[] = [];
  const deletions: Change[] = [];
  for (const kind of kinds) {
    const mine = wishes.filter((wish) => wish.kind === kind);
    const names = namesOf(wishes, kind.kind === 'SCHEDULE' ? 'REPOSITORY' : kind.kind);
    const present = names.length === 0 ? [] : await kind.read(reader, { names });
    const ownedIds = owned.get(kind.kind) ?? new Set<number>();
    if (kind === distributionKind) present.push(...broughtAlong(reader, makes));
    const pairs =
      kind.kind === 'SCHEDULE' ? pairSchedules(mine, present, ownedIds) : pairByName(mine, present);
    for (const { wish, found } of pairs) makes.push(...compare(reader.viewer, wish, found));
    if (!prune) continue;
    const kept = new Set(pairs.flatMap(({ found }) => found?.id ?? []));
    const others = [...ownedIds].filter((id) => !kept.has(id));
    const gone = others.length === 0 ? [] : await kind.read(reader, { ids: others });
    deletions.push(...gone.map((one) => toDeletion(kind, one)));
  }
  return inOrder(withUnits(wishes, makes), deletions);
}

/** The distributions that come with the new repositories. */
function broughtAlong({ isAccessOn }: Reader, changes: readonly Change[]): Present[] {
  return changes
    .filter(({ kind, action }) => kind === 'REPOSITORY' && action === 'CREATE')
    .map(({ name }) => ownDistribution(name, isAccessOn));
}

interface Pair {
  readonly wish: Wish;
  readonly found: Present | undefined;
}

function pairByName(wishes: readonly Wish[], present: readonly Present[]): Pair[] {
  const byName = new Map(present.map((one) => [one.name, one]));
  return wishes.map((wish) => ({ wish, found: byName.get(wish.name) }));
}

function compare(viewer: Viewer, { kind, name, path, values }: Wish, found: Present | undefined): Change[] {
  const before = found?.values ?? kind.defaults;
  const maySet = may(viewer, 'maintainer', name);
  const isSame = (field: string): boolean => {
    if (found === undefined) return isSameJson(values[field], before[field]);
    // a caller who may not set a secret may not learn whether a guess is right
    if (!maySet && values[field] != null && hasSecret(kind, field, values[field])) return false;
    return kind.isSame?.(field, values[field], found) ?? isSameJson(values[field], before[field]);
  };
  const differing = Object.keys(values).filter((field) => field !== kind.nameField && !isSame(field));
  if (found !== undefined && differing.length === 0) return [];
  const fields = differing.map((field) => describe(kind, field, before[field], values[field]));
  const action = found === undefined ? 'CREATE' : 'UPDATE';
  const wanted = kind.kind === 'SCHEDULE' ? { ...values, repository: name } : values;
  return [{ action, kind: kind.kind, name, path, fields, id: found?.id || undefined, wanted, unit: '' }];
}

function describe(kind: Kind, field: string, from: unknown, to: unknown): FieldChange {
  const isSecret = hasSecret(kind, field, from) || hasSecret(kind, field, to);
  return { field, isSecret, from: isSecret ? null : (from ?? null), to: isSecret ? null : (to ?? null) };
}

/** Whether the value or a part of it is secret. A wanted value is not checked yet. */
function hasSecret({ secrets, withoutSecrets }: Kind, field: string, value: unknown): boolean {
  if (secrets.includes(field)) return true;
  try {
    return withoutSecrets !== undefined && withoutSecrets(field, value) !== value;
  } catch {
    return true;
  }
}

function toDeletion({ kind }: Kind, { id, name }: Present): Change {
  return { action: 'DELETE', kind, name, path: [], fields: [], id, wanted: {}, unit: `delete ${kind} ${id}` };
}

/** A remote is changed with its repository if no other repository names it. */
function withUnits(wishes: readonly Wish[], changes: readonly Change[]): Change[] {
  const users = new Map<string, Set<string>>();
  for (const { kind, name, values } of wishes) {
    const { remote } = values;
    if (typeof remote === 'string' && (kind.kind === 'REPOSITORY' || kind.kind === 'SCHEDULE'))
      users.set(remote, (users.get(remote) ?? new Set()).add(name));
  }
  const unitOf = ({ kind, name, wanted }: Change): string => {
    if (kind === 'REPOSITORY' || kind === 'SCHEDULE') return `repository ${name}`;
    if (kind === 'DISTRIBUTION') return `repository ${textOf(wanted['repository'])}`;
    const [user, ...others] = kind === 'REMOTE' ? (users.get(name) ?? []) : [];
    return user === undefined || others.length > 0 ? `${kind} ${name}` : `repository ${user}`;
  };
  return changes.map((change) => ({ ...change, unit: unitOf(change) }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const freesNames: readonly ConfiguredKind[] = ['DISTRIBUTION', 'SCHEDULE', 'MIRROR_RULE', 'PROXY', 'WEBHOOK'];

/** Distributions and schedules are deleted first, since they hold names and remotes; what they named is deleted last. */
function inOrder(makes: readonly Change[], deletions: readonly Change[]): Change[] {
  const first = deletions.filter(({ kind }) => freesNames.includes(kind));
  const last = deletions.filter(({ kind }) => !freesNames.includes(kind)).toReversed();
  const units = Map.groupBy(makes, ({ unit }) => unit);
  const shared = [...units].filter(([unit]) => !unit.startsWith('repository '));
  const others = [...units].filter(([unit]) => unit.startsWith('repository '));
  return [...first, ...[...shared, ...others].flatMap(([, changes]) => changes), ...last];
}

/** The fields that an update changes. */
export function changedValues({ fields, wanted }: Change): Values {
  return Object.fromEntries(fields.map(({ field }) => [field, wanted[field] ?? null]));
}

/** The names of the repositories that are there and that the changes are about. */
export function repositoriesOf(changes: readonly Change[]): string[] {
  const created = new Set(
    changes.flatMap(({ kind, action, name }) => (kind === 'REPOSITORY' && action === 'CREATE' ? [name] : [])),
  );
  const names = changes.flatMap(({ kind, name, wanted }) => {
    if (kind === 'REPOSITORY' || kind === 'SCHEDULE') return [name];
    return kind === 'DISTRIBUTION' ? [textOf(wanted['repository'])] : [];
  });
  return [...new Set(names)].filter((name) => name !== '' && !created.has(name));
}
