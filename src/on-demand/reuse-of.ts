import type { Remote } from '../db/schema/remotes.ts';
import type { Reuse } from '../db/staging/reuse.ts';
import { everything } from '../db/access/visibility.ts';

/**
 * The stored content that a pull may reuse. A pull acts for its repository, which all readers share: it reuses what the repository has and
 * what its remote has delivered. With logins off, it reuses all stored content.
 */
export function reuseOf(
  { isShared }: { readonly isShared: boolean },
  repositoryId: number,
  remote: Pick<Remote, 'id' | 'url' | 'upstreamName'>,
): Reuse {
  const { id: remoteId, url, upstreamName } = remote;
  const visibility = isShared ? { all: false, names: [], prefixes: [] } : everything;
  return { visibility, repositoryId, origin: { remoteId, url, upstreamName } };
}
