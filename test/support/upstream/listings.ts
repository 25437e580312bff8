/** Registries whose own API lists tags with digests, in front of a scripted upstream. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { OwnListing } from '../../../src/registry/listing/listing.ts';
import { tidemarkLists } from '../../../src/oci/hosts/tidemark-lists.ts';
import { json, send } from './fake-upstream.ts';
import type { Answer, CannedAnswer } from './fake-upstream.ts';

export interface ScriptedTag {
  readonly name: string;
  readonly digest: string;
  readonly mediaType: string;
}

export interface ScriptedListing {
  /** Path of the first page for `library/app`, with its query. */
  readonly first: string;
  /** The challenge that marks the registry; none for those that are known otherwise. */
  readonly challenge?: (base: string) => string;
  /** The page that this URL asks for. */
  readonly page: (url: URL, tags: readonly ScriptedTag[]) => CannedAnswer;
}

const numbered = (url: URL, sizeName: string): { readonly from: number; readonly size: number } => {
  const size = Number(url.searchParams.get(sizeName));
  return { from: (Number(url.searchParams.get('page')) - 1) * size, size };
};

/** A page after `last`, with a Link if more follow. The target of the Link must not matter. */
const linked = (
  url: URL,
  tags: readonly ScriptedTag[],
  toDocument: (page: readonly ScriptedTag[]) => unknown,
): CannedAnswer => {
  const size = Number(url.searchParams.get('n'));
  const last = url.searchParams.get('last');
  const from = last === null ? 0 : tags.findIndex(({ name }) => name === last) + 1;
  const hasMore = from + size < tags.length;
  const link = { link: '<https://elsewhere.example/tags>; rel="next"' };
  return json(toDocument(tags.slice(from, from + size)), hasMore ? link : {});
};

export const scriptedListings: Readonly<Record<OwnListing, ScriptedListing>> = {
  DOCKER_HUB: {
    first: '/v2/repositories/library/app/tags?page_size=100&page=1',
    page(url, tags) {
      const { from, size } = numbered(url, 'page_size');
      const results = tags.slice(from, from + size).map(({ name, digest, mediaType }) => ({
        name,
        digest,
        media_type: mediaType,
        images: [{ architecture: 'amd64', digest: `sha256:${'e'.repeat(64)}` }],
        last_updated: '2026-01-02T03:04:05.678901Z',
      }));
      const next = from + size < tags.length ? 'https://elsewhere.example/tags?page=7' : null;
      return json({ count: tags.length, next, previous: null, results });
    },
  },
  QUAY: {
    first: '/api/v1/repository/library/app/tag/?onlyActiveTags=true&limit=100&page=1',
    challenge: (base) => `Bearer realm="${base}/v2/auth",service="${new URL(base).host}"`,
    page(url, tags) {
      const { from, size } = numbered(url, 'limit');
      const page = tags.slice(from, from + size).map(({ name, digest }) => ({
        name,
        manifest_digest: digest,
        is_manifest_list: false,
        last_modified: 'Fri, 02 Jan 2026 03:04:05 -0000',
      }));
      return json({ tags: page, page: from / size + 1, has_additional: from + size < tags.length });
    },
  },
  HARBOR: {
    first:
      '/api/v2.0/projects/library/repositories/app/artifacts?with_tag=true&q=tags%3D*&page_size=100&page=1',
    challenge: (base) => `Bearer realm="${base}/service/token",service="harbor-registry"`,
    page(url, tags) {
      const { from, size } = numbered(url, 'page_size');
      const digests = [...new Set(tags.map(({ digest }) => digest))].slice(from, from + size);
      return json(
        digests.map((digest) => {
          const own = tags.filter((tag) => tag.digest === digest);
          const named = own.map(({ name }) => ({ name, push_time: '2026-01-02T03:04:05.678Z' }));
          const config = 'application/vnd.oci.image.config.v1+json';
          return { digest, manifest_media_type: own[0]?.mediaType, media_type: config, tags: named };
        }),
      );
    },
  },
  ACR: {
    first: '/acr/v1/library/app/_tags?n=100',
    challenge: (base) => `Bearer realm="${base}/oauth2/token",service="${new URL(base).host}"`,
    page: (url, tags) =>
      linked(url, tags, (page) => ({
        registry: url.host,
        imageName: 'library/app',
        tags: page.map(({ name, digest }) => ({ name, digest, createdTime: '2026-01-02T03:04:05.678Z' })),
      })),
  },
  GITLAB: {
    first: '/gitlab/v1/repositories/library/app/tags/list/?n=1000',
    challenge: (base) => `Bearer realm="${base}/jwt/auth",service="container_registry"`,
    page: (url, tags) =>
      linked(url, tags, (page) =>
        page.map(({ name, digest, mediaType }) => ({ name, digest, media_type: mediaType, size_bytes: 1 })),
      ),
  },
  ZOT: {
    first: `/v2/_zot/ext/search?query=${encodeURIComponent('{ImageList(repo:"library/app",requestedPage:{limit:1000,offset:0,sortBy:ALPHABETIC_ASC}){Results{Tag Digest MediaType}}}')}`,
    page(url, tags) {
      const [, limit = '', offset = ''] =
        /limit:(\d+),offset:(\d+)/.exec(url.searchParams.get('query') ?? '') ?? [];
      const page = tags.slice(Number(offset), Number(offset) + Number(limit));
      const Results = page.map(({ name, digest, mediaType }) => ({
        Tag: name,
        Digest: digest,
        MediaType: mediaType,
      }));
      return json({ data: { ImageList: { Results } } });
    },
  },
  TIDEMARK: {
    first: '/v2/library/app/_tidemark/tags/digests?n=10000',
    page: (url, tags) => linked(url, tags, (page) => ({ name: 'library/app', tags: page })),
  },
};

/** What a zot with its search extension announces. */
export const zotExtensions = json({
  extensions: [{ name: '_zot', url: '', description: '', endpoints: ['/v2/_zot/ext/search'] }],
});

/** The tags of a sample repository. `lies`: digests that are listed instead of the tags' own. */
export function listedTags(
  repository: SampleRepository,
  lies: ReadonlyMap<string, string> = new Map(),
): ScriptedTag[] {
  return [...repository.tags]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => {
      const digest = lies.get(name) ?? own;
      const mediaType = repository.manifests.get(own)?.mediaType ?? '';
      return { name, digest, mediaType };
    });
}

/** Serves the API before everything else, and asks for a token as the registry does. */
export function withListing(
  listing: OwnListing,
  tags: () => readonly ScriptedTag[],
  fallback: Answer,
): Answer {
  const { first, challenge, page } = scriptedListings[listing];
  const [own = ''] = first.split('?', 1);
  return async (request: IncomingMessage, response: ServerResponse) => {
    const base = `http://${request.headers.host}`;
    const url = new URL(request.url ?? '', base);
    const answer = (): Answer => {
      if (url.pathname === own) return page(url, tags());
      if (listing === 'TIDEMARK') response.setHeader(tidemarkLists.header, tidemarkLists.value);
      if (listing === 'ZOT' && url.pathname === '/v2/_oci/ext/discover') return zotExtensions;
      if (challenge === undefined || request.headers.authorization !== undefined) return fallback;
      const field = challenge(base);
      if (field.includes(`"${base}${url.pathname}"`)) return json({ token: 'a-token', expires_in: 300 });
      return json({ errors: [{ code: 'UNAUTHORIZED' }] }, { 'www-authenticate': field }, 401);
    };
    const found = answer();
    if (typeof found === 'function') await found(request, response);
    else send(request, response, found);
  };
}

/** Google's `tags/list`, in front of what serves the rest. */
export function withGoogleList(tags: () => readonly ScriptedTag[], fallback: Answer): Answer {
  return async (request, response) => {
    const isList = /\/tags\/list(?:\?|$)/.test(request.url ?? '');
    if (isList) send(request, response, json(googleList(tags())));
    else if (typeof fallback === 'function') await fallback(request, response);
    else send(request, response, fallback);
  };
}

export function googleList(tags: readonly ScriptedTag[]): object {
  const manifest: Record<string, { readonly tag: string[] }> = {};
  for (const { name, digest, mediaType } of tags) {
    const entry = {
      imageSizeBytes: '2000',
      layerId: '',
      mediaType,
      tag: [],
      timeCreatedMs: '0',
      timeUploadedMs: '1790000000000',
    };
    (manifest[digest] ??= entry).tag.push(name);
  }
  return { child: [], manifest, name: 'library/app', tags: tags.map(({ name }) => name) };
}
