import { fieldsOf, listedDigest, pageAfter } from './listing.ts';
import type { ListingApi } from './listing.ts';

/**
 * Quay's own API (quay/quay, endpoints/api/tag.py, `listRepoTags`): at most 100 tags a page, those pushed last first. `manifest_digest` is the
 * tag's own, also where `is_manifest_list`. The API takes OAuth tokens only, so it is asked without credentials and answers for public
 * repositories.
 */
export const quay: ListingApi = {
  isAnonymous: true,
  first({ apiBase, upstreamName }) {
    const { origin } = new URL(apiBase);
    return new URL(`${origin}/api/v1/repository/${upstreamName}/tag/?onlyActiveTags=true&limit=100&page=1`);
  },
  read(document, asked) {
    const { tags: entries, has_additional: hasMore } = fieldsOf(document) ?? {};
    if (!Array.isArray(entries)) return undefined;
    const tags = entries.flatMap((entry) => {
      const { name, manifest_digest: digest } = fieldsOf(entry) ?? {};
      return listedDigest(name, digest) ?? [];
    });
    return { tags, next: hasMore === true ? pageAfter(asked) : undefined };
  },
};
