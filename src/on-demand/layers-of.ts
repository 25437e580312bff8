import { withOtherAddress } from '../upstream/blob-source.ts';
import { withLayerUrls } from '../upstream/layer-urls.ts';
import type { Upstream } from '../upstream/naming-request.ts';
import type { Database } from '../db/open-database.ts';
import { readForeignOf } from '../db/reads/read-inline.ts';
import type { ContentSource } from '../oci/content-source.ts';

/** Where a remote's blobs are read for a repository: at the upstream and, where the remote allows it, at the addresses that manifests name. */
export function layersOf(
  database: Database,
  { remote, registry }: Upstream,
  repositoryId: number,
): ContentSource {
  const source = withOtherAddress(registry);
  if (!remote.followLayerUrls) return source;
  return {
    // of each digest, its own manifests
    fetch: (descriptor, options) =>
      withLayerUrls({
        registry,
        source,
        readDocuments: () => readForeignOf(database.em.fork(), repositoryId, descriptor.digest),
      }).fetch(descriptor, options),
  };
}
