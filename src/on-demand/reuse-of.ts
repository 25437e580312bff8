import type { Remote } from '../db/schema/remotes.ts';
import type { Reuse } from '../db/staging/reuse.ts';
import { everything } from '../db/access/visibility.ts';

/**
 * What a pull may reuse: it acts for the repository that it is of, which all of its readers share, whoever asks; so what the repository has
 * and what its remote has delivered. While logins are off, all that is stored.
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
