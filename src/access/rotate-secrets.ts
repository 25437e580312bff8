import type { Em } from '../db/open-database.ts';
import { resealPage } from '../db/access/reseal-secrets.ts';
import { sealedTables } from '../db/access/sealed-columns.ts';
import { endRotation, isRotationOpen, noteRotation } from '../db/access/secret-rotation.ts';
import { isTidemarkError } from '../oci/error.ts';
import type { SecretBox } from './secrets.ts';

export interface Rotation {
  /** Secrets that were sealed with the first key. */
  readonly resealed: number;
  /** Places of the secrets that could not be opened, at most 20. They stay unchanged. */
  readonly unreadable: readonly string[];
}

const pageRows = 100;
const mostNamed = 20;

/**
 * Seals all stored secrets with the first key. Each page is one transaction that locks its rows, so concurrent changes are not
 * overwritten. An interrupted rotation leaves every secret readable; the next start finishes it (fault 108).
 */
export async function rotateSecrets(em: Em, box: SecretBox): Promise<Rotation> {
  await noteRotation(em, firstKey(box));
  const rotation = await resealAll(em, box);
  await endRotation(em, firstKey(box));
  return rotation;
}

/**
 * Resumes an interrupted rotation to the first key; undefined if there is none. Only a requested rotation is resumed: with several keys and
 * no request, processes that know only the old key may still be running.
 */
export async function finishRotation(em: Em, box: SecretBox): Promise<Rotation | undefined> {
  return (await isRotationOpen(em, firstKey(box))) ? rotateSecrets(em, box) : undefined;
}

function firstKey({ keyIds }: SecretBox): string {
  const [first] = keyIds;
  if (first === undefined) throw new Error('a secret box has no key');
  return first;
}

async function resealAll(em: Em, box: SecretBox): Promise<Rotation> {
  let resealed = 0;
  const unreadable: string[] = [];
  for (const table of sealedTables)
    for (let afterId: number | undefined = 0; afterId !== undefined;) {
      let done = 0;
      const page = { ...table, afterId, limit: pageRows };
      afterId = await resealPage(em, page, ({ sealed, context }) => {
        if (box.isCurrent(sealed)) return undefined;
        try {
          const again = box.encrypt(box.decrypt(sealed, context), context);
          done += 1;
          return again;
        } catch (error) {
          if (!isTidemarkError(error)) throw error;
          if (unreadable.length < mostNamed) unreadable.push(context);
          return undefined;
        }
      });
      resealed += done;
    }
  return { resealed, unreadable };
}
