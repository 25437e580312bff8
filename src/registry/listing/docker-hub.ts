import { fieldsOf, listedDigest, pageAfter } from './listing.ts';
import type { ListingApi } from './listing.ts';

/**
 * Docker Hub's own API, on another host than the registry ("List repository tags", docs.docker.com/reference/api/hub/latest). At most 100 tags a
 * page, those pushed last first. `digest` is the tag's; those in `images` are the children of an index. The API has its own accounts and limits,
 * so it gets no credentials.
 */
export const dockerHub: ListingApi = {
  isAnonymous: true,
  first({ dockerHubApi, upstreamName }) {
    if (upstreamName.split('/').length !== 2) return undefined;
    return new URL(`${dockerHubApi}/v2/repositories/${upstreamName}/tags?page_size=100&page=1`);
  },
  read(document, asked) {
    const { results, next } = fieldsOf(document) ?? {};
    if (!Array.isArray(results)) return undefined;
    const tags = results.flatMap((entry) => {
      const { name, digest, media_type: mediaType } = fieldsOf(entry) ?? {};
      return listedDigest(name, digest, mediaType) ?? [];
    });
    return { tags, next: typeof next === 'string' && next !== '' ? pageAfter(asked) : undefined };
  },
};
