import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import type { Configuration, Values } from './configuration.ts';
import type { Kind } from './kind.ts';
import { kinds, sectionKinds } from './kinds.ts';
import { scheduleKind } from './schedule-kind.ts';

/** One thing of a configuration, with defaults in place of what was omitted. */
export interface Wish {
  readonly kind: Kind;
  /** The name; of a schedule, the name of its repository. */
  readonly name: string;
  readonly path: readonly string[];
  readonly values: Values;
}

/** All things of a configuration, in the order in which they are created. */
export function listWishes(configuration: Configuration): Wish[] {
  const wishes = sectionKinds.flatMap((kind) =>
    configuration[kind.section].map((given, index) =>
      toWish(kind, String(given[kind.nameField]), [kind.section, String(index)], given),
    ),
  );
  const schedules = configuration.repositories.flatMap(({ name, schedules: given }, index) =>
    ((given ?? []) as readonly Values[]).map((schedule, place) => {
      const path = ['repositories', String(index), 'schedules', String(place)];
      return toWish(scheduleKind, String(name), path, schedule);
    }),
  );
  const all = [...wishes, ...schedules];
  return kinds.flatMap((kind) => all.filter((wish) => wish.kind === kind));
}

function toWish(kind: Kind, name: string, path: readonly string[], given: Values): Wish {
  const entries = Object.entries(given).filter(
    ([field, value]) =>
      field !== 'schedules' && value !== undefined && (value !== null || kind.kept.includes(field)),
  );
  const values = { ...kind.defaults, ...Object.fromEntries(entries) };
  // a distribution at a repository's own name need not say so
  const whole = kind.kind === 'DISTRIBUTION' ? { repository: name, ...values } : values;
  return { kind, name, path, values: kind.settle?.(whole) ?? whole };
}

/** The names of a kind that the configuration has. */
export function namesOf(wishes: readonly Wish[], kind: ConfiguredKind): string[] {
  return wishes.filter((wish) => wish.kind.kind === kind).map(({ name }) => name);
}
