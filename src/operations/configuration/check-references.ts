import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import type { NamedKind } from '../../db/configuration/named-things.ts';
import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import { quoteValue } from '../../oci/error.ts';
import { invalid, mistake } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import type { Values } from './configuration.ts';
import { findPresentNames } from './find-named.ts';
import type { References } from './kind.ts';
import { namesOf } from './list-wishes.ts';
import type { Wish } from './list-wishes.ts';

const nouns: Readonly<Record<ConfiguredKind, string>> = {
  SIGNATURE_POLICY: 'signature policy',
  CREDENTIAL: 'credential',
  REMOTE: 'remote',
  REPOSITORY: 'repository',
  SCHEDULE: 'schedule',
  DISTRIBUTION: 'distribution',
  MIRROR_RULE: 'mirror rule',
};

/** Names that are given twice. */
export function findDoubles(wishes: readonly Wish[]): Mistake[] {
  const first = new Map<string, Wish>();
  return wishes.flatMap((wish) => {
    const { kind, name, path } = wish;
    if (kind.kind === 'SCHEDULE') return [];
    const key = `${kind.kind} ${name}`;
    const before = first.get(key);
    first.set(key, before ?? wish);
    if (before === undefined) return [];
    const message = `${quoteValue(name)} is given twice, at ${before.path.join('.')} too; give each ${nouns[kind.kind]} once.`;
    return [mistake('ALREADY_EXISTS', [...path, kind.nameField], message)];
  });
}

interface NamedThing {
  readonly path: readonly string[];
  readonly field: string;
  readonly kind: NamedKind;
  readonly name: string;
}

/** What a wish names, also in its lists. */
function namedBy({ kind, path, values }: Wish): NamedThing[] {
  const inLists = Object.entries(kind.listReferences ?? {}).flatMap(([list, references]) =>
    ((values[list] ?? []) as readonly Values[]).flatMap((one, index) =>
      namesIn(one, references, [...path, list, String(index)]),
    ),
  );
  return [...namesIn(values, kind.references, path), ...inLists];
}

function namesIn(values: Values, references: References, path: readonly string[]): NamedThing[] {
  return Object.entries(references).flatMap(([field, kind]) => {
    const name = values[field];
    return typeof name === 'string' ? [{ path, field, kind, name }] : [];
  });
}

/** Names with a NUL character, which PostgreSQL cannot hold. The name of a schedule is that of its repository. */
export function findUnstorable(wishes: readonly Wish[]): Mistake[] {
  return wishes.flatMap((wish) => {
    const { kind, path, name } = wish;
    const own = kind.kind === 'SCHEDULE' ? [] : [{ path, field: kind.nameField, name }];
    return [...own, ...namedBy(wish)]
      .filter((one) => one.name.includes('\0'))
      .map((one) =>
        invalid(
          [...one.path, one.field],
          `${one.field} is ${quoteValue(one.name)}, with a NUL character; remove it.`,
        ),
      );
  });
}

/** Names that neither the configuration nor the server has. */
export async function findMissing(em: Em, viewer: Viewer, wishes: readonly Wish[]): Promise<Mistake[]> {
  const named = wishes.flatMap(namedBy);
  const missing: Mistake[] = [];
  for (const kind of new Set(named.map((one) => one.kind))) {
    const wanted = new Set(namesOf(wishes, kind));
    const others = named.filter((one) => one.kind === kind && !wanted.has(one.name));
    const present = await findPresentNames(em, viewer, kind, [...new Set(others.map(({ name }) => name))]);
    for (const { path, field, name } of others)
      if (!present.has(name))
        missing.push(
          mistake(
            'NOT_FOUND',
            [...path, field],
            `${field} is ${quoteValue(name)}, and there is no ${nouns[kind]} of that name, neither in the configuration nor on the server.`,
          ),
        );
  }
  return missing;
}
