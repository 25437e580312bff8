import { readKeptVersions } from '../../../db/reads/read-served.ts';
import type { Digest } from '../../../oci/digest.ts';
import { isTidemarkError } from '../../../oci/error.ts';
import type { Exchange } from '../exchange.ts';
import type { ServedVersion } from '../served-version.ts';

/*
 * A digest that the latest version of a mirror lacks is served from another kept version, because workloads name it after a sync has moved its
 * tag. The whole answer comes from one version, its signatures included.
 */

type Content = { readonly tag: string } | { readonly digest: Digest } | { readonly blob: Digest };

/**
 * The answer of the served version, or else of the newest kept one that has the content by digest.
 * @throws TidemarkError `DENIED` if a policy refuses the content in each version that has it.
 */
export async function serveFromAny<T>(
  exchange: Exchange,
  served: ServedVersion,
  content: Content,
  serve: (version: ServedVersion) => Promise<T | undefined>,
): Promise<T | undefined> {
  let denied: unknown;
  for await (const version of versionsToAsk(exchange, served, content)) {
    try {
      const answer = await serve(version);
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!isDenied(error)) throw error;
      denied ??= error;
    }
  }
  if (denied !== undefined) throw denied;
  return undefined;
}

async function* versionsToAsk(
  { em }: Exchange,
  served: ServedVersion,
  content: Content,
): AsyncGenerator<ServedVersion> {
  yield served;
  if ('tag' in content || !served.servesKept) return;
  for (const number of await readKeptVersions(em, served.repositoryId, content))
    if (number !== served.number) yield { ...served, number };
}

export function isDenied(error: unknown): boolean {
  return isTidemarkError(error) && error.code === 'DENIED';
}
