import { fieldsOf, listedDigest, withParameter } from './listing.ts';
import type { ListingApi } from './listing.ts';

/**
 * Azure Container Registry's own API ("Tag - Get List", learn.microsoft.com/rest/api/containerregistry). Tags are in the order of their names, and
 * a Link names the next page. The answer's challenge names the scope that the API needs.
 */
export const acr: ListingApi = {
  first({ apiBase, upstreamName }) {
    return new URL(`${new URL(apiBase).origin}/acr/v1/${upstreamName}/_tags?n=100`);
  },
  read(document, asked, hasLink) {
    const { tags: entries } = fieldsOf(document) ?? {};
    if (!Array.isArray(entries)) return undefined;
    const tags = entries.flatMap((entry) => {
      const { name, digest } = fieldsOf(entry) ?? {};
      return listedDigest(name, digest) ?? [];
    });
    const last = fieldsOf(entries.at(-1))?.['name'];
    return {
      tags,
      next: hasLink && typeof last === 'string' ? withParameter(asked, 'last', last) : undefined,
    };
  },
};
