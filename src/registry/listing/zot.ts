import { fieldsOf, listedDigest, withParameter } from './listing.ts';
import type { ListingApi } from './listing.ts';

const pageSize = 1000;

/**
 * The search extension of zot (project-zot/zot, pkg/extensions/search/schema.graphql, `ImageList`; zotregistry.dev, "Using GraphQL for Enhanced
 * Searches"). One image a tag; `Digest` and `MediaType` are those of the tag. The query is a GET.
 */
export const zot: ListingApi = {
  first({ apiBase, upstreamName }) {
    // the grammar of repository names has no character to escape
    const page = `{limit:${pageSize},offset:0,sortBy:ALPHABETIC_ASC}`;
    const query = `{ImageList(repo:"${upstreamName}",requestedPage:${page}){Results{Tag Digest MediaType}}}`;
    return new URL(`${apiBase}/v2/_zot/ext/search?query=${encodeURIComponent(query)}`);
  },
  read(document, asked) {
    const { data, errors } = fieldsOf(document) ?? {};
    const results = fieldsOf(fieldsOf(data)?.['ImageList'])?.['Results'];
    if (!Array.isArray(results) || (errors !== undefined && errors !== null)) return undefined;
    const tags = results.flatMap((image) => {
      const { Tag: name, Digest: digest, MediaType: mediaType } = fieldsOf(image) ?? {};
      return listedDigest(name, digest, mediaType) ?? [];
    });
    if (results.length < pageSize) return { tags, next: undefined };
    const query = asked.searchParams.get('query') ?? '';
    const from = Number(/offset:(\d+)/.exec(query)?.[1]);
    const next = query.replace(/offset:\d+/, `offset:${from + pageSize}`);
    return { tags, next: withParameter(asked, 'query', next) };
  },
};
