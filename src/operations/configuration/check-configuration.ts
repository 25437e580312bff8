import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import { quoteValue } from '../../oci/error.ts';
import { checkName, invalid, mistake } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import type { Configuration } from './configuration.ts';
import { findPresentNames, namedBy } from './find-named.ts';
import { listWishes, namesOf } from './list-wishes.ts';
import type { Wish } from './list-wishes.ts';

/** The mistakes of a configuration as a whole. Those of single fields are found by the operations. */
export async function checkConfiguration(
  em: Em,
  viewer: Viewer,
  configuration: Configuration,
): Promise<Mistake[]> {
  const wishes = listWishes(configuration);
  const wrong = [...[checkName('name', configuration.name) ?? []].flat(), ...findDoubles(wishes)];
  const unstorable = findUnstorable(wishes);
  // the database refuses statements with such names
  return unstorable.length > 0
    ? [...wrong, ...unstorable]
    : [...wrong, ...(await findMissing(em, viewer, wishes))];
}

const nouns: Readonly<Record<ConfiguredKind, string>> = {
  SIGNATURE_POLICY: 'signature policy',
  CREDENTIAL: 'credential',
  REMOTE: 'remote',
  REPOSITORY: 'repository',
  SCHEDULE: 'schedule',
  DISTRIBUTION: 'distribution',
  MIRROR_RULE: 'mirror rule',
  PROXY: 'proxy',
  WEBHOOK: 'webhook',
};

/** Names that are given twice. */
function findDoubles(wishes: readonly Wish[]): Mistake[] {
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

/** Names with a NUL character, which PostgreSQL cannot hold. The name of a schedule is that of its repository. */
function findUnstorable(wishes: readonly Wish[]): Mistake[] {
  return wishes.flatMap((wish) => {
    const { kind, path, name } = wish;
    const own = kind.kind === 'SCHEDULE' ? [] : [{ path, field: kind.nameField, name }];
    return [...own, ...namedBy(kind, wish.values, path)]
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
async function findMissing(em: Em, viewer: Viewer, wishes: readonly Wish[]): Promise<Mistake[]> {
  const named = wishes.flatMap(({ kind, values, path }) => namedBy(kind, values, path));
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
