import type { ContentKey } from '../content-source.ts';
import { readDescriptors } from './inline-data.ts';

const isHttps = (url: string) => /^https:/i.test(url);

/** The `urls` of a blob's descriptors in stored manifests (image-spec, descriptor.md), without repetitions, https before http. */
export function readLayerUrls(
  documents: readonly Uint8Array[],
  { digest, size }: Pick<ContentKey, 'digest' | 'size'>,
): string[] {
  const urls = documents
    .flatMap(readDescriptors)
    .filter((descriptor) => descriptor.digest === digest && descriptor.size === size)
    .flatMap((descriptor): unknown[] => (Array.isArray(descriptor.urls) ? descriptor.urls : []))
    .filter((url): url is string => typeof url === 'string');
  return [...new Set([...urls.filter(isHttps), ...urls])];
}
