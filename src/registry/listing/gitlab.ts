import { fieldsOf, listedDigest, withParameter } from './listing.ts';
import type { ListingApi } from './listing.ts';

/**
 * The API of GitLab's container registry (gitlab-org/container-registry, docs, "List Repository Tags"; used by GitLab itself in
 * lib/container_registry/gitlab_api_client.rb). It needs the metadata database and takes the token of a pull. GitLab's REST API names digests in
 * the details of a single tag only, so it is not used.
 */
export const gitlab: ListingApi = {
  first({ apiBase, upstreamName }) {
    return new URL(`${new URL(apiBase).origin}/gitlab/v1/repositories/${upstreamName}/tags/list/?n=1000`);
  },
  read(document, asked, hasLink) {
    if (!Array.isArray(document)) return undefined;
    const tags = document.flatMap((entry) => {
      const { name, digest, media_type: mediaType } = fieldsOf(entry) ?? {};
      return listedDigest(name, digest, mediaType) ?? [];
    });
    const last = fieldsOf(document.at(-1))?.['name'];
    return {
      tags,
      next: hasLink && typeof last === 'string' ? withParameter(asked, 'last', last) : undefined,
    };
  },
};
