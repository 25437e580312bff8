import type { ContentBody, ContentKey, ContentSource, FetchOptions } from '../oci/content-source.ts';
import type { Descriptor } from '../oci/manifest/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { TidemarkError } from '../oci/error.ts';
import type { ManifestDocument } from '../oci/manifest/manifest.ts';
import type { RateLimit } from './rate-limit.ts';

export type { RateLimit } from './rate-limit.ts';

/** What is needed to read one repository of an upstream. Secrets come in clear text and never leave the client. */
export interface RegistryOptions {
  /** Base of the registry API, e.g. `https://registry-1.docker.io`; http or https, without credentials. */
  readonly url: string;
  /** Repository at the upstream, e.g. `library/nginx`. */
  readonly upstreamName: string;
  readonly username?: string;
  readonly password?: string;
  /** Extra request headers, sent to the registry's own origin only. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  /** `http(s)://[user:password@]host:port`; the credentials go to the proxy only. */
  readonly proxyUrl?: string;
  /** The whole of one request, body included, in milliseconds; default 0, none (blob bodies have a minimum rate instead). */
  readonly totalTimeoutMs?: number;
  /** Until a connection stands, TLS included; default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Between two reads, and until the response's header; default 60,000. */
  readonly sockReadTimeoutMs?: number;
  /** Further tries of one request after a fault that may pass (429, 5xx, reset); default 3. */
  readonly maxRetries?: number;
  /** Largest manifest accepted, in bytes; default 4 MiB. */
  readonly manifestMaxBytes?: number;
  /** Whether upstreams on loopback and private addresses may be reached. */
  readonly allowPrivate: boolean;
  /** Addresses and ranges (`10.0.0.0/8`) among those that may be reached all the same, also where a name leads to them. */
  readonly allowAddresses?: readonly string[];
  /** Host names allowed as token realm though of another registrable domain. */
  readonly realmHosts?: readonly string[];
  /** A dedicated store of signatures: base URL without credentials, reached with the same CA, TLS checks and proxy. Credentials, headers and, on another host, the client certificate are not sent. */
  readonly signatureStore?: { readonly url: string; readonly allowPrivate: boolean };
  /** Awaited before each request: the place for a rate limit and for a cap of requests in flight. */
  readonly beforeRequest?: (signal?: AbortSignal) => Promise<void>;
  /** Told of each answer that asked us to slow down (429, 503 with Retry-After, or RateLimit-Remaining: 0). */
  readonly onRateLimited?: (waitMs: number) => void;
  /** Told of each answer of the registry's own host that says what is left of a rate limit. */
  readonly onRateLimit?: (limit: RateLimit) => void;
}

export interface TlsOptions {
  /** PEM; added to the system's roots. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** False: neither chain nor name is checked. Default true. */
  readonly rejectUnauthorized?: boolean;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * One repository of an upstream registry, read only (OCI Distribution 1.1 and Docker Registry v2). `fetch` gives a blob's bytes.
 * Every method throws TidemarkError with the codes of fault 1 to 56.
 */
export interface Registry extends ContentSource {
  /** The names in `tags/list`, a page at a time, `Link` followed; names that are no tags (row 32) are in `invalid`. */
  listTags(options?: CallOptions & { readonly pageSize?: number }): AsyncIterable<TagPage>;
  /** Repositories of the registry, the first page; for a hint. Empty where the answer is no list. */
  readCatalog(options: { readonly signal: AbortSignal }): Promise<readonly string[]>;
  /**
   * HEAD: the descriptor, or `unchanged` where it is still the one that is known. Where HEAD answers anything else (404, 405, 401, wrong
   * headers, a fault), GET decides; undefined only where GET too is answered 404.
   */
  resolve(
    reference: string,
    options?: CallOptions & { readonly known?: Digest },
  ): Promise<Pick<Descriptor, 'mediaType' | 'digest' | 'size'> | 'unchanged' | undefined>;
  /**
   * GET, verified against the digest asked for and against `Docker-Content-Digest`; undefined on 404. Where the registry says that it is what
   * is `known`, that is answered.
   */
  getManifest(
    reference: string | Digest,
    options?: CallOptions & {
      readonly known?: ManifestDocument | undefined;
      /** Where it is asked for; default `manifests`. Some registries have an index's entries at the other address. */
      readonly address?: 'manifests' | 'blobs';
    },
  ): Promise<ManifestDocument | undefined>;
  /**
   * What refers to a manifest. The answer is about this manifest only. Throws what is not retryable where the request is refused (401, 403),
   * and what is where the answer may come later; both say nothing of what is there. `anew`: asks also a registry that has shown of other
   * manifests that it has no such API.
   */
  listReferrers(subject: Digest, options?: CallOptions & { readonly anew?: boolean }): Promise<Referrers>;
  /**
   * A blob's bytes from an address that a manifest names. No credentials, headers of the remote or client certificate go there, and the
   * address guard holds at each hop. @throws TidemarkError `ADDRESS_REFUSED`, and as `fetch` does.
   */
  fetchFrom(address: string, descriptor: ContentKey, options?: FetchOptions): Promise<ContentBody>;
  /** Where atomic signatures are had from: the dedicated store, else the API extension where the registry says that it has it. */
  findSignatureSource(options?: CallOptions): Promise<SignatureSource | undefined>;
  readonly readSignatures: ReadSignatures;
  /** Drops idle connections. */
  close(): Promise<void>;
}

/**
 * The atomic signatures of a manifest, as they are; an error comes after those that could be read. A store's first 404 ends the series, unless
 * its number is below `atLeast`.
 */
export type ReadSignatures = (
  source: SignatureSource,
  digest: Digest,
  options?: CallOptions & { readonly atLeast?: number },
) => AsyncIterable<Buffer>;

/** `absent`: no such API, or nothing for this manifest, as `reason` says: part of a sentence, with request and status. */
export type Referrers =
  | { readonly kind: 'listed'; readonly digests: readonly Digest[] }
  | { readonly kind: 'absent'; readonly reason: string };

/** STORE: a dedicated signature store (`sigstore`); EXTENSION: the registry itself. */
export type SignatureSource = 'STORE' | 'EXTENSION';

export interface TagPage {
  readonly names: readonly string[];
  /** Names refused by the grammar of tags, as received, shortened. */
  readonly invalid: readonly string[];
  /** Why the list may have more names: what follows its last one was not answered, and the upstream has not said that it is the last. */
  readonly doubt?: TidemarkError;
}
