import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import type { SyncContext } from './sync-context.ts';

/** `https://…/v2/library/nginx`; a remote's URL never has credentials. */
export function repositoryUrl({ remote }: SyncContext): string {
  return `${remote.url.replace(/\/+$/, '')}/v2/${remote.upstreamName}`;
}

/**
 * Puts the request before the message of an error of the upstream's that does not name it: the parts that check bytes do not know where
 * they came from, and people need to (FAULTS.md, KEEP).
 * @param request Method and URL, as `GET https://…/v2/library/nginx/blobs/sha256:…`.
 */
export async function namingRequest<T>(request: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTidemarkError(error) || error.origin !== 'upstream' || /\bhttps?:\/\//.test(error.message))
      throw error;
    const { code, origin, retryable, retryAfterMs, status } = error;
    throw new TidemarkError(code, `${request}: ${error.message}`, {
      origin,
      retryable,
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(status === undefined ? {} : { status }),
    });
  }
}
