import type { Absences } from '../db/content/absences.ts';
import type { Em } from '../db/open-database.ts';
import { findOtherIndexes, readEntries } from '../db/staging/index-entries.ts';
import type { StoredEntry } from '../db/staging/index-entries.ts';
import { absentEntries, compilePlatforms } from '../selection/platforms.ts';

/** Indexes that are read at once: an index may have 10,000 entries. */
const pageSize = 20;

export interface IndexRule {
  /** Applies the rule to those of the manifests that are stored indexes, and to the stored indexes below them. */
  apply(em: Em, ids: readonly number[]): Promise<void>;
  /** The same for indexes below the roots that others have stored meanwhile. @returns whether there were any. */
  applyToOthers(em: Em, rootIds: readonly number[]): Promise<boolean>;
}

/** Notes the entries of indexes that the platforms of a remote leave out. Without platforms nothing is left out. */
export function createIndexRule(platforms: readonly string[] | null, absences: Absences): IndexRule {
  if (platforms === null)
    return { apply: () => Promise.resolve(), applyToOthers: () => Promise.resolve(false) };
  const takes = compilePlatforms(platforms);
  const known = new Set<number>();

  async function apply(em: Em, ids: readonly number[]): Promise<void> {
    const waiting = [...ids];
    while (waiting.length > 0) {
      const page = waiting.splice(0, pageSize).filter((id) => !known.has(id));
      for (const id of page) known.add(id);
      const absent = new Set<StoredEntry>();
      const entries = await readEntries(em, page);
      for (const ofParent of Object.values(Object.groupBy(entries, ({ parentId }) => parentId)))
        for (const entry of absentEntries(ofParent ?? [], takes)) absent.add(entry);
      await absences.add(
        em,
        [...absent].map(({ parentId, position }) => ({ parentId, position, reason: 'BY_RULE' })),
      );
      const below = entries.filter((entry) => entry.isIndex && !absent.has(entry));
      waiting.push(...below.map(({ childId }) => childId));
    }
  }

  return {
    apply,
    async applyToOthers(em, rootIds) {
      const others = await findOtherIndexes(em, rootIds, { absences, known: [...known] });
      await apply(em, others);
      return others.length > 0;
    },
  };
}
