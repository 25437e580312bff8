import type { ContentKey, ContentSource } from '../oci/content-source.ts';
import type { ContentBody, FetchOptions } from '../oci/content-source.ts';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { readLayerUrls } from '../oci/manifest/layer-urls.ts';
import type { Registry } from '../registry/registry.ts';

/** Addresses that are tried for one layer. */
const addressesMost = 8;

export interface LayerSource extends ContentSource {
  /** Whether the bytes come from an address in a manifest. Errors of that address are not the upstream's fault. */
  isElsewhere(): boolean;
}

export interface LayerPlaces {
  readonly registry: Registry;
  /** The upstream, which is asked first. */
  readonly source: ContentSource;
  /** Manifests that name the layer. */
  readonly readDocuments: () => Promise<readonly Uint8Array[]>;
}

/** A layer from the upstream, or from the `urls` of its descriptors when the upstream lacks it (fault 48). */
export function withLayerUrls({ registry, source, readDocuments }: LayerPlaces): LayerSource {
  let isElsewhere = false;
  return {
    isElsewhere: () => isElsewhere,
    async fetch(descriptor, options = {}) {
      try {
        return await source.fetch(descriptor, options);
      } catch (error) {
        if (!isTidemarkError(error) || error.code !== 'CONTENT_UNKNOWN') throw error;
        const urls = readLayerUrls(await readDocuments(), descriptor);
        const body = await firstOf(registry, urls, { descriptor, options, missing: error });
        isElsewhere = true;
        return body;
      }
    },
  };
}

/** @throws the upstream's error, with the message of the last address */
async function firstOf(
  registry: Registry,
  urls: readonly string[],
  wish: {
    readonly descriptor: ContentKey;
    readonly options: FetchOptions;
    readonly missing: TidemarkError;
  },
): Promise<ContentBody> {
  const { descriptor, options, missing } = wish;
  let last: TidemarkError | undefined;
  for (const url of urls.slice(0, addressesMost)) {
    try {
      return await registry.fetchFrom(url, descriptor, options);
    } catch (error) {
      // UPSTREAM_THROTTLED is our own error, and not one of the address
      if (!isTidemarkError(error) || error.origin !== 'upstream' || error.code === 'UPSTREAM_THROTTLED')
        throw error;
      last = error;
    }
  }
  if (last === undefined) throw missing;
  throw new TidemarkError(
    missing.code,
    `${missing.message} It was not at the addresses in its manifest either: ${last.message}`,
    { cause: last, ...(missing.status === undefined ? {} : { status: missing.status }) },
  );
}
