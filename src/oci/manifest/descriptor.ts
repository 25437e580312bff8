import type { Digest } from '../digest.ts';

/** The parts of an OCI content descriptor (image-spec, descriptor.md) that a mirror uses. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Size of the content in bytes, 0 to 2^53-1. */
  readonly size: number;
  readonly artifactType?: string;
  /** Further URLs of the content, which the registry may lack. */
  readonly urls?: readonly string[];
  readonly platform?: Platform;
  /** Whether the descriptor embeds the content, unverified. */
  readonly hasData?: true;
  /** The entry of the same index that this one describes, as BuildKit writes for attestations. */
  readonly annotates?: Digest;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** `os/architecture[/variant]` */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
