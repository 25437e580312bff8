import { fieldsOf, listedDigest, withParameter } from './listing.ts';
import type { ListingApi } from './listing.ts';

const pageSize = 10_000;

/** Another Tidemark's list (docs/serving.md, "Tags with digests"). Its pages follow the last name, as those of `tags/list` do. */
export const tidemark: ListingApi = {
  first: ({ apiBase, upstreamName }) =>
    new URL(`${apiBase}/v2/${upstreamName}/_tidemark/tags/digests?n=${pageSize}`),
  read(document, asked, hasLink) {
    const { tags: entries } = fieldsOf(document) ?? {};
    if (!Array.isArray(entries)) return undefined;
    const tags = entries.flatMap((entry) => {
      const { name, digest, mediaType } = fieldsOf(entry) ?? {};
      return listedDigest(name, digest, mediaType) ?? [];
    });
    const last = tags.at(-1)?.name;
    return { tags, next: hasLink && last !== undefined ? withParameter(asked, 'last', last) : undefined };
  },
};
