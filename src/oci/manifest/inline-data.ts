import type { ContentKey } from '../content-source.ts';
import { digestBytes } from '../digest-bytes.ts';
import { digestAlgorithm } from '../digest.ts';

export interface LooseDescriptor {
  readonly digest?: unknown;
  readonly size?: unknown;
  readonly urls?: unknown;
  readonly data?: unknown;
}

/**
 * The content that a descriptor of a stored manifest carries itself (image-spec, descriptor.md, "Embedded Content"); undefined where no
 * `data` there has its size and digest.
 */
export function readInlineData(document: Uint8Array, { digest, size }: ContentKey): Buffer | undefined {
  for (const descriptor of readDescriptors(document)) {
    if (descriptor.digest !== digest || typeof descriptor.data !== 'string') continue;
    const bytes = Buffer.from(descriptor.data, 'base64');
    if (bytes.byteLength === size && digestBytes(bytes, digestAlgorithm(digest)) === digest) return bytes;
  }
  return undefined;
}

/** All descriptors of blobs and manifests that a stored manifest has, as its JSON says. */
export function readDescriptors(document: Uint8Array): readonly LooseDescriptor[] {
  const root = JSON.parse(new TextDecoder().decode(document)) as Readonly<Record<string, unknown>>;
  const entries = [root['config'], root['layers'], root['blobs'], root['manifests']].flat();
  return entries.filter((entry): entry is LooseDescriptor => typeof entry === 'object' && entry !== null);
}
