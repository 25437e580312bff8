import type { Em } from '../db/open-database.ts';
import { resealPage } from '../db/access/reseal-secrets.ts';
import { endRotation, isRotationOpen, noteRotation } from '../db/access/secret-rotation.ts';
import { isTidemarkError } from '../oci/error.ts';
import type { SecretBox } from './secrets.ts';

export interface Rotation {
  /** Secrets that were sealed with the first key. */
  readonly resealed: number;
  /** Where those belong that could not be opened, and stay as they are; the first 20. */
  readonly unreadable: readonly string[];
}

const pageRemotes = 100;
const mostNamed = 20;

/**
 * Seals all stored secrets with the first key. A page at a time, each in one transaction that holds its remotes: what is changed meanwhile
 * is not overwritten, and a rotation that was cut off leaves every secret readable; the next start finishes it (fault 108).
 */
export async function rotateSecrets(em: Em, box: SecretBox): Promise<Rotation> {
  await noteRotation(em, firstKey(box));
  const rotation = await resealAll(em, box);
  await endRotation(em, firstKey(box));
  return rotation;
}

/**
 * Goes on with a rotation to the first key that was cut off; undefined where there was none. Only what somebody asked for: with several keys
 * given and none asked for, processes that know the old key alone may still be running.
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
  for (let afterId: number | undefined = 0; afterId !== undefined;) {
    let done = 0;
    const page = { afterId, limit: pageRemotes };
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
