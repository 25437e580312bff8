import { isDigest } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import { isMediaType } from '../../oci/manifest/media-type.ts';
import { isTagName } from '../../oci/tag-name.ts';

/** A tag in a registry's own list. The digest is the tag's own: that of the index where the tag names an index. */
export interface ListedDigest {
  readonly name: string;
  readonly digest: Digest;
  /** Of the manifest, if the list has it. */
  readonly mediaType?: string;
}

/** Takes listed tags. A tag may come again. */
export type OnDigests = (listed: readonly ListedDigest[]) => Promise<void>;

/** A tag that was set. */
export interface SetTag extends ListedDigest {
  /** Whether there was no such tag before. */
  readonly isNew: boolean;
}

/** What another Tidemark says has changed since a state (docs/serving.md, "Changes since a state"). Unverified. */
export interface ChangesPage {
  /** The state up to which the changes are told; the same in all pages. */
  readonly state: string;
  /** Tags that were added or moved. */
  readonly set: readonly SetTag[];
  /** The names of removed tags. */
  readonly removed: readonly string[];
  /** Manifests whose lists of referrers are others. */
  readonly subjects: readonly Digest[];
  /** Whether the registry has atomic signatures. */
  readonly hasSignatures: boolean;
}

/** APIs of registries, beside `tags/list`, that list tags with digests. */
export const ownListings = ['DOCKER_HUB', 'QUAY', 'HARBOR', 'ACR', 'GITLAB', 'ZOT', 'TIDEMARK'] as const;
export type OwnListing = (typeof ownListings)[number];
/** ECR's list is AWS's. */
export const listingNames = [...ownListings, 'ECR'] as const;
export type ListingName = (typeof listingNames)[number];

/** The repository whose tags are listed. */
export interface ListedRepository {
  /** Base of the registry API, without `/v2`. */
  readonly apiBase: string;
  readonly upstreamName: string;
  /** Of Docker Hub's API. */
  readonly dockerHubApi: string;
}

export interface ListedPage {
  readonly tags: readonly ListedDigest[];
  /** Undefined after the last page. */
  readonly next: URL | undefined;
}

/** One API. The URL of each page is made here: a URL in an answer is never followed. */
export interface ListingApi {
  /** Sent without credentials: the API has logins of its own. */
  readonly isAnonymous?: boolean;
  /** Undefined if the API cannot name the repository. */
  first(repository: ListedRepository): URL | undefined;
  /** The page in this document. Undefined if it has another form. `hasLink`: a Link of the answer names a next page. */
  read(document: unknown, asked: URL, hasLink: boolean): ListedPage | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a JSON object; undefined for any other value. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** A list that comes from elsewhere than the registry: ECR's, from AWS's API. The entries are unchecked. */
export type ForeignList = (signal: AbortSignal) => AsyncIterable<
  readonly {
    readonly name: string;
    readonly digest: string | undefined;
    readonly mediaType: string | undefined;
  }[]
>;

/** Undefined for entries without a valid name and digest. They cost an ordinary request. */
export function listedDigest(name: unknown, digest: unknown, mediaType?: unknown): ListedDigest | undefined {
  if (typeof name !== 'string' || !isTagName(name) || typeof digest !== 'string' || !isDigest(digest))
    return undefined;
  const hasType = typeof mediaType === 'string' && isMediaType(mediaType);
  return { name, digest, ...(hasType && { mediaType }) };
}

/** The same URL with another value of one parameter. */
export function withParameter(asked: URL, name: string, value: string): URL {
  const url = new URL(asked);
  url.searchParams.set(name, value);
  return url;
}

/** The URL of the page after this one, for APIs that number their pages. */
export function pageAfter(asked: URL): URL {
  return withParameter(asked, 'page', String(Number(asked.searchParams.get('page')) + 1));
}
