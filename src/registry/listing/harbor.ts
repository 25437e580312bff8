import { fieldsOf, listedDigest, pageAfter } from './listing.ts';
import type { ListingApi } from './listing.ts';

const pageSize = 100;

/**
 * Harbor's own API (goharbor/harbor, api/v2.0/swagger.yaml, `listArtifacts`): at most 100 artifacts a page, each with its tags. `digest` is the
 * artifact's, and so the tags'. `media_type` is the config's, `manifest_media_type` the manifest's. Slashes in the name of a repository are
 * escaped twice. Public projects are listed without a login.
 */
export const harbor: ListingApi = {
  first({ apiBase, upstreamName }) {
    const [project = '', ...rest] = upstreamName.split('/');
    if (rest.length === 0) return undefined;
    const { origin } = new URL(apiBase);
    const repository = rest.join('%252F');
    return new URL(
      `${origin}/api/v2.0/projects/${project}/repositories/${repository}/artifacts?with_tag=true&q=tags%3D*&page_size=${pageSize}&page=1`,
    );
  },
  read(document, asked) {
    if (!Array.isArray(document)) return undefined;
    const tags = document.flatMap((artifact) => {
      const { digest, tags: named, manifest_media_type: mediaType } = fieldsOf(artifact) ?? {};
      if (!Array.isArray(named)) return [];
      return named.flatMap((tag) => listedDigest(fieldsOf(tag)?.['name'], digest, mediaType) ?? []);
    });
    return { tags, next: document.length >= pageSize ? pageAfter(asked) : undefined };
  },
};
