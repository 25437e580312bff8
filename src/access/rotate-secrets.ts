import type { Em } from '../db/open-database.ts';
import { resealPage } from '../db/reseal-secrets.ts';
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
 * is not overwritten, and a rotation that was cut off leaves every secret readable and is simply run again (FAULTS 108).
 */
export async function rotateSecrets(em: Em, box: SecretBox): Promise<Rotation> {
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
