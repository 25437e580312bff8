import type { Remote } from '../db/schema/remotes.ts';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { trimTrailingSlashes } from '../oci/trim-ends.ts';
import type { Registry } from '../registry/registry.ts';

/** A remote, and the client of what it names. */
export interface Upstream {
  readonly remote: Remote;
  readonly registry: Registry;
}

/** `https://…/v2/library/nginx`; a remote's URL never has credentials. */
export function repositoryUrl({ remote }: Pick<Upstream, 'remote'>): string {
  return `${trimTrailingSlashes(remote.url)}/v2/${remote.upstreamName}`;
}

/**
 * Puts the request before the message of an error of the upstream's that does not name it: the parts that check bytes do not know where
 * they came from, and people need to (docs/faults.md).
 * @param request Method and URL, as `GET https://…/v2/library/nginx/blobs/sha256:…`.
 * @param advice By error code, what to do, where the message does not say it.
 */
export async function namingRequest<T>(
  request: string,
  work: () => Promise<T>,
  advice: ReadonlyMap<string, string> = new Map(),
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTidemarkError(error) || error.origin !== 'upstream' || /\bhttps?:\/\//.test(error.message))
      throw error;
    const { code, origin, retryable, retryAfterMs, status } = error;
    const whatToDo = advice.get(code);
    throw new TidemarkError(code, `${request}: ${error.message}${whatToDo ? ` ${whatToDo}` : ''}`, {
      origin,
      retryable,
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(status === undefined ? {} : { status }),
    });
  }
}
