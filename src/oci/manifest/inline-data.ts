import type { ContentKey } from '../content-source.ts';
import { digestBytes } from '../digest-bytes.ts';
import { digestAlgorithm } from '../digest.ts';

export interface LooseDescriptor {
  readonly digest?: unknown;
  readonly size?: unknown;
  readonly urls?: unknown;
  readonly data?: unknown;
}

/** The embedded content of a descriptor in a stored manifest (image-spec, descriptor.md, "Embedded Content"), verified. */
export function readInlineData(document: Uint8Array, { digest, size }: ContentKey): Buffer | undefined {
  for (const descriptor of readDescriptors(document)) {
    if (descriptor.digest !== digest || typeof descriptor.data !== 'string') continue;
    const bytes = Buffer.from(descriptor.data, 'base64');
    if (bytes.byteLength === size && digestBytes(bytes, digestAlgorithm(digest)) === digest) return bytes;
  }
  return undefined;
}

/** All descriptors in the JSON of a stored manifest. */
export function readDescriptors(document: Uint8Array): readonly LooseDescriptor[] {
  const root = JSON.parse(new TextDecoder().decode(document)) as Readonly<Record<string, unknown>>;
  const entries = [root['config'], root['layers'], root['blobs'], root['manifests']].flat();
  return entries.filter((entry): entry is LooseDescriptor => typeof entry === 'object' && entry !== null);
}
