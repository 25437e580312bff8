import type { Remote } from '../db/schema/remotes.ts';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { trimTrailingSlashes } from '../oci/trim-ends.ts';
import type { Registry } from '../registry/registry.ts';

export interface Upstream {
  readonly remote: Remote;
  readonly registry: Registry;
}

/** For messages: `https://…/v2/library/nginx`. A remote's URL has no credentials. */
export function repositoryUrl({ remote }: Pick<Upstream, 'remote'>): string {
  return `${trimTrailingSlashes(remote.url)}/v2/${remote.upstreamName}`;
}

/**
 * Prefixes the message of an upstream error with the request. Code that checks bytes does not know their source, and users need it
 * (docs/faults.md).
 * @param request method and URL: `GET https://…/v2/library/nginx/blobs/sha256:…`
 * @param advice what to do, by error code, where the message lacks it
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
