import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import { checkName } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { findDoubles, findMissing, findUnstorable } from './check-references.ts';
import type { Configuration } from './configuration.ts';
import { listWishes } from './list-wishes.ts';

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
