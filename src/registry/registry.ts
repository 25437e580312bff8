import type { ContentBody, ContentKey, ContentSource, FetchOptions } from '../oci/content-source.ts';
import type { Descriptor } from '../oci/manifest/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { TidemarkError } from '../oci/error.ts';
import type { ManifestDocument } from '../oci/manifest/manifest.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { HostMemory } from './host-memory.ts';
import type { ChangesPage, ForeignList, ListedDigest, ListingName, OnDigests } from './listing/listing.ts';
import type { LoginSource } from '../oci/hosts/registry-login.ts';
import type { ManifestQuota } from './manifest-quota.ts';
import type { RateLimit } from './rate-limit.ts';

export type { ChangesPage, ListedDigest, ListingName, OnDigests, SetTag } from './listing/listing.ts';
export type { RateLimit } from './rate-limit.ts';

/** One upstream repository. Secrets are in clear text here and never leave the client. */
export interface RegistryOptions {
  /** Base of the registry API, e.g. `https://registry-1.docker.io`; http or https, without credentials. */
  readonly url: string;
  /** Repository at the upstream, e.g. `library/nginx`. */
  readonly upstreamName: string;
  readonly username?: string;
  readonly password?: string;
  /** Gives the login in place of `username` and `password`. */
  readonly logins?: LoginSource;
  /** Extra request headers, sent only to the registry's own origin. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  /** `http(s)://[user:password@]host:port`; the credentials go to the proxy only. */
  readonly proxyUrl?: string;
  /** The timeout of one request, body included, in milliseconds; default 0: none. Blob bodies have a minimum rate instead. */
  readonly totalTimeoutMs?: number;
  /** The timeout of a connection, TLS included; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** The idle timeout between two reads and until the response's header; default 60,000. */
  readonly sockReadTimeoutMs?: number;
  /** Retries of one request after a transient error (429, 5xx, reset); default 3. */
  readonly maxRetries?: number;
  /** The largest accepted manifest, in bytes; default 4 MiB. */
  readonly manifestMaxBytes?: number;
  /** Whether upstreams on loopback and private addresses may be reached. */
  readonly allowPrivate: boolean;
  /** Private addresses and ranges (`10.0.0.0/8`) that are allowed anyway, also by name. */
  readonly allowAddresses?: readonly string[];
  /** Allowed token realms of other registrable domains. */
  readonly realmHosts?: readonly string[];
  /**
   * A dedicated signature store: base URL without credentials, with the same CA, TLS checks and proxy. It gets no credentials and headers, and on
   * another host no client certificate.
   */
  readonly signatureStore?: { readonly url: string; readonly allowPrivate: boolean };
  /** Awaited before each request, for rate limits and for limits of concurrency. */
  readonly beforeRequest?: (signal?: AbortSignal) => Promise<void>;
  /** Limits the bytes of blobs; default: none. */
  readonly byteBudget?: ByteBudget;
  /** Limits the requests for manifests; default: none. */
  readonly manifestQuota?: ManifestQuota;
  /** Called for each throttling answer (429, 503 with Retry-After, or RateLimit-Remaining: 0). */
  readonly onRateLimited?: (waitMs: number) => void;
  /** Called for each answer of the registry's own host that states a rate limit. */
  readonly onRateLimit?: (limit: RateLimit) => void;
  /** Called for each answer of the registry's own host. */
  readonly onAnswer?: () => void;
  /** The memory of the host, which other clients share; default: none. */
  readonly memory?: HostMemory;
  /** AWS's list of the tags, for a registry that shows itself to be ECR. */
  readonly ecrTags?: ForeignList;
}

export interface TlsOptions {
  /** PEM, in addition to the system's roots. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** False: neither chain nor name is verified. Default true. */
  readonly rejectUnauthorized?: boolean;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * One repository of an upstream registry, read-only (OCI Distribution 1.1 and Docker Registry v2). `fetch` reads a blob. Every method throws
 * TidemarkError with the codes of faults 1 to 56.
 */
export interface Registry extends ContentSource {
  /** The names in `tags/list`, page by page. Names that are no tags (fault 32) are in `invalid`. */
  listTags(
    options?: CallOptions & {
      readonly pageSize?: number;
      /** Takes the digests of a list that has them (Google's). Tags may come again. */
      readonly onDigests?: OnDigests;
    },
  ): AsyncIterable<TagPage>;
  /** The API that lists tags with digests, by what the registry has answered so far; undefined if nothing has told. */
  listing(): ListingName | undefined;
  /** Asks which such API the registry announces. */
  discoverListing(options: { readonly signal: AbortSignal }): Promise<ListingName | undefined>;
  /** The tags with their digests, page by page, unverified. */
  listDigests(
    listing: ListingName,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<readonly ListedDigest[]>;
  /** What has changed since a state that a list of tags has announced, page by page, unverified. Only another Tidemark tells it. */
  listChanges(since: string, options: { readonly signal: AbortSignal }): AsyncIterable<ChangesPage>;
  /** The first page of the registry's repositories, for hints. Empty if the answer is no list. */
  readCatalog(options: { readonly signal: AbortSignal }): Promise<readonly string[]>;
  /**
   * HEAD: the descriptor, or `unchanged` if it is still the known one. After any other answer to HEAD, GET decides. Undefined only if GET is
   * answered 404 too.
   */
  resolve(
    reference: string,
    options?: CallOptions & { readonly known?: Digest },
  ): Promise<Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | 'unchanged' | undefined>;
  /**
   * GET, verified against the requested digest and against `Docker-Content-Digest`. Undefined on 404; `known` if the registry answers 304.
   */
  getManifest(
    reference: string | Digest,
    options?: CallOptions & {
      readonly known?: ManifestDocument | undefined;
      /** The endpoint; default `manifests`. Some registries have the entries of an index at the other one. */
      readonly address?: 'manifests' | 'blobs';
    },
  ): Promise<ManifestDocument | undefined>;
  /**
   * The referrers of this manifest. A refusal (401, 403) throws a permanent error, a transient fault a retryable one; neither means that there
   * are none. `anew`: also asks a registry without this API, by its earlier answers.
   */
  listReferrers(subject: Digest, options?: CallOptions & { readonly anew?: boolean }): Promise<Referrers>;
  /** Why the registry counts as one without the referrers API, by earlier answers; undefined: each manifest must be asked for. */
  referrersAbsence(): Promise<string | undefined>;
  /**
   * A blob from a URL in a manifest. The URL gets no credentials, no headers of the remote and no client certificate; the address guard checks
   * each redirect. @throws TidemarkError `ADDRESS_REFUSED`, and as `fetch` does.
   */
  fetchFrom(address: string, descriptor: ContentKey, options?: FetchOptions): Promise<ContentBody>;
  /** The source of atomic signatures: the dedicated store, else the API extension if the registry announces it. */
  findSignatureSource(options?: CallOptions): Promise<SignatureSource | undefined>;
  readonly readSignatures: ReadSignatures;
  /** Drops idle connections. */
  close(): Promise<void>;
}

/**
 * The atomic signatures of a manifest, unverified. An error follows the readable ones. A store's first 404 ends the series, unless its number is
 * below `atLeast`.
 */
export type ReadSignatures = (
  source: SignatureSource,
  digest: Digest,
  options?: CallOptions & { readonly atLeast?: number },
) => AsyncIterable<Buffer>;

/** `absent`: no such API, or nothing for this manifest. `reason` is a part of a sentence, with request and status. */
export type Referrers =
  | { readonly kind: 'listed'; readonly digests: readonly Digest[] }
  | { readonly kind: 'absent'; readonly reason: string };

/** STORE: a dedicated signature store (`sigstore`); EXTENSION: the registry itself. */
export type SignatureSource = 'STORE' | 'EXTENSION';

export interface TagPage {
  readonly names: readonly string[];
  /** Names refused by the grammar of tags, as received, shortened. */
  readonly invalid: readonly string[];
  /** Why the list may be incomplete: the request for further names failed, and the upstream has not marked this page as the last. */
  readonly doubt?: TidemarkError;
  /** The state of the repository that the list began with, if the registry announces one. Only the first page has it. */
  readonly state?: string;
}
