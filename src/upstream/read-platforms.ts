import { findUnreadConfigs, writePlatforms } from '../db/staging/image-platforms.ts';
import type { ReadPlatform, UnreadConfig } from '../db/staging/image-platforms.ts';
import type { ContentSource } from '../oci/content-source.ts';
import { formatPlatform } from '../oci/manifest/descriptor.ts';
import { configMaxBytes, parseConfigPlatform } from '../oci/manifest/manifest-parse.ts';
import { isImageConfigType } from '../oci/manifest/media-type.ts';
import type { Database } from '../db/open-database.ts';
import { forEachConcurrently } from './limiter.ts';
import { readPages } from './read-pages.ts';

// large, because each page walks the graph again
const pageSize = 5_000;
const concurrency = 16;

export interface PlatformDeps {
  readonly database: Database;
  readonly store: ContentSource;
}

/** Reads the platforms from the image configs that a sync has stored. */
export async function readPlatforms(deps: PlatformDeps, taskId: number, signal: AbortSignal): Promise<void> {
  const em = deps.database.em.fork();
  const pages = readPages(
    0,
    ({ manifestId }: UnreadConfig) => manifestId,
    (afterId) => findUnreadConfigs(em, taskId, afterId, pageSize),
  );
  for await (const page of pages) await readConfigPlatforms(deps, page, signal);
}

export async function readConfigPlatforms(
  { database, store }: PlatformDeps,
  configs: readonly UnreadConfig[],
  signal: AbortSignal,
): Promise<void> {
  const platforms: ReadPlatform[] = [];
  await forEachConcurrently(configs, { concurrency, signal }, async (config, laneSignal) => {
    const platform = await readPlatform(store, config, laneSignal);
    platforms.push({ manifestId: config.manifestId, platform });
  });
  await writePlatforms(database.em.fork(), platforms);
}

async function readPlatform(
  store: ContentSource,
  config: UnreadConfig,
  signal: AbortSignal,
): Promise<string | null> {
  const { digest, sizeBytes: size, mediaType } = config;
  if (!isImageConfigType(mediaType) || size > configMaxBytes) return null;
  const body = await store.fetch({ digest, size, mediaType }, { signal });
  const chunks: Buffer[] = [];
  for await (const chunk of body.bytes) chunks.push(Buffer.from(chunk));
  const platform = parseConfigPlatform(Buffer.concat(chunks));
  return platform ? formatPlatform(platform) : null;
}
