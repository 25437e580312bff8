import { parseDigest } from '../oci/digest.ts';
import { TidemarkError, quoteValue } from '../oci/error.ts';
import { readCatalog } from './catalog.ts';
import { fetchBlob } from './blob-fetch.ts';
import type { BlobRequest } from './blob-fetch.ts';
import { createBlobCodings } from './transport/coded-blob.ts';
import { checkReference, fetchManifest, resolveManifest } from './manifest-fetch.ts';
import type { ManifestRequest } from './manifest-fetch.ts';
import type { CallOptions, Registry, RegistryOptions } from './registry.ts';
import { parseLayerAddress } from './layer-address.ts';
import { createReferrersReader } from './signatures/referrers.ts';
import { createRequester } from './requester.ts';
import type { ClientSettings, Requester } from './requester.ts';
import { listChanges } from './listing/changes.ts';
import { discoverListing, listDigests, readForeignList } from './listing/list-digests.ts';
import type { ListedRepository } from './listing/listing.ts';
import { createSigns } from './listing/signs.ts';
import type { Signs } from './listing/signs.ts';
import { openSignatures } from './signatures/open-signatures.ts';
import { listTagPages } from './tags/tag-list.ts';
import { tagPageMaxBytes } from './tags/tag-page.ts';
import { trimTrailingSlashes } from '../oci/trim-ends.ts';

export const defaultManifestMaxBytes = 4 * 1024 * 1024;

/**
 * A client of one upstream repository, with tokens of its own. It connects on first use; `close` it when done.
 * @throws TidemarkError `URL_INVALID`, `NAME_INVALID`, `HEADERS_INVALID`, origin caller.
 */
export function openRegistry(options: RegistryOptions, settings: ClientSettings = {}): Registry {
  const apiBase = apiUrl(options);
  const signs = createSigns(new URL(options.url));
  const onAnswer: ClientSettings['onAnswer'] = (request, response) => {
    signs.see(response);
    settings.onAnswer?.(request, response);
  };
  const requester = createRequester(options, { ...settings, onAnswer });
  const resource: ResourceUrl = (path) => new URL(`${apiBase}/v2/${options.upstreamName}/${path}`);
  const dockerHubApi = settings.dockerHubApi ?? 'https://hub.docker.com';
  const repository = { apiBase, upstreamName: options.upstreamName, dockerHubApi };
  const maxBytes = options.manifestMaxBytes ?? defaultManifestMaxBytes;
  const paced = { requester, minimumRate: settings.minimumRate };
  const referrers = createReferrersReader({
    requester,
    urlOf: (subject) => resource(`referrers/${parseDigest(subject)}`),
    maxBytes,
    now: settings.now,
    memory: options.memory,
  });
  const signatures = openSignatures({ requester, apiBase, options, settings });

  return {
    ...openManifests({ requester, maxBytes, quota: options.manifestQuota }, resource),
    ...openBlobs({ ...paced, budget: options.byteBudget }, resource, new URL(options.url)),
    listReferrers: referrers.list,
    referrersAbsence: () => referrers.absence(),
    findSignatureSource: (call) => signatures.findSource(call),
    readSignatures: (source, digest, call) => signatures.read(source, digest, call),
    listTags({ pageSize = 1000, signal, onDigests } = {}) {
      return listTagPages({
        ...paced,
        url: resource('tags/list'),
        pageSize,
        signal,
        onDigests,
        maxBytes: settings.tagPageMaxBytes ?? tagPageMaxBytes,
      });
    },
    ...openListings({ requester, repository, signs }, options.ecrTags),
    readCatalog: ({ signal }) => readCatalog(requester, apiBase, signal),
    async close() {
      await Promise.all([requester.close(), signatures.close()]);
    },
  };
}

function openListings(
  {
    requester,
    repository,
    signs,
  }: { readonly requester: Requester; readonly repository: ListedRepository; readonly signs: Signs },
  ecrTags: RegistryOptions['ecrTags'],
): Pick<Registry, 'listing' | 'discoverListing' | 'listDigests' | 'listChanges'> {
  return {
    listing() {
      const listing = signs.listing();
      return listing === 'ECR' && ecrTags === undefined ? undefined : listing;
    },
    discoverListing: ({ signal }) => discoverListing({ requester, repository, signal }),
    listChanges: (since, { signal }) => listChanges({ requester, repository, signal }, since),
    async *listDigests(listing, { signal }) {
      if (listing !== 'ECR') yield* listDigests({ requester, repository, signal }, listing);
      else if (ecrTags !== undefined) yield* readForeignList(ecrTags, signal);
    },
  };
}

/** The URL of something in the repository: a path as `tags/list`. */
type ResourceUrl = (path: string) => URL;

function openManifests(
  common: Pick<ManifestRequest, 'requester' | 'maxBytes' | 'quota'>,
  resource: ResourceUrl,
): Pick<Registry, 'resolve' | 'getManifest'> {
  const tags = { areDigests: false };
  const requestOf = (reference: string, { signal }: CallOptions): ManifestRequest => ({
    ...common,
    url: resource(`manifests/${checkReference(reference)}`),
    reference,
    signal,
    tags,
  });
  return {
    async resolve(reference, call = {}) {
      return resolveManifest({ ...requestOf(reference, call), known: call.known });
    },
    async getManifest(reference, call = {}) {
      const request = requestOf(reference, call);
      const url = call.address === 'blobs' ? resource(`blobs/${parseDigest(reference)}`) : request.url;
      return fetchManifest({ ...request, url }, call.known);
    },
  };
}

function openBlobs(
  paced: Pick<BlobRequest, 'requester' | 'minimumRate' | 'budget'>,
  resource: ResourceUrl,
  registryUrl: URL,
): Pick<Registry, 'fetch' | 'fetchFrom'> {
  const codings = createBlobCodings();
  return {
    async fetch(descriptor, options = {}) {
      const url = resource(`blobs/${parseDigest(descriptor.digest)}`);
      return fetchBlob({ ...paced, codings, url, descriptor, options });
    },
    async fetchFrom(address, descriptor, options = {}) {
      const url = parseLayerAddress(address, registryUrl);
      const stranger = { codings: createBlobCodings(), isStranger: true };
      return fetchBlob({ ...paced, ...stranger, url, descriptor, options });
    },
  };
}

/** The URL without a trailing slash. Refuses URLs and names that could change the host or the path. */
export function apiUrl({ url, upstreamName }: RegistryOptions): string {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain =
    base !== undefined &&
    (base.protocol === 'http:' || base.protocol === 'https:') &&
    base.username === '' &&
    base.password === '' &&
    !/[?#\s]/.test(url);
  if (!isPlain)
    // The message omits the URL, which may contain a password.
    throw new TidemarkError(
      'URL_INVALID',
      "The remote's URL cannot be used; expected https://host[:port] or http://host[:port], without user name, query or fragment.",
      { origin: 'caller' },
    );
  // Old registries allow more than the grammar of names. No part is empty or dots, and none needs escapes.
  if (
    upstreamName.length > 512 ||
    !/^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/.test(upstreamName)
  )
    throw new TidemarkError(
      'NAME_INVALID',
      `${quoteValue(upstreamName)} is not a repository name; expected parts as library/nginx, without host and tag.`,
      { origin: 'caller' },
    );
  return `${base.origin}${trimTrailingSlashes(base.pathname)}`;
}
