import type { Digest } from './digest.ts';

/** An OCI content descriptor (image-spec, descriptor.md), reduced to what a mirror acts on. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Size of the content in bytes, 0 to 2^53-1. */
  readonly size: number;
  readonly artifactType?: string;
  /** Where foreign (non-distributable) layers may be had from; such blobs are recorded and not fetched. */
  readonly urls?: readonly string[];
  readonly platform?: Platform;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** `os/architecture[/variant]`, as clients print it. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
