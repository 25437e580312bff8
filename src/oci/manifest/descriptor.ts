import type { Digest } from '../digest.ts';

/** An OCI content descriptor (image-spec, descriptor.md), reduced to what a mirror acts on. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Size of the content in bytes, 0 to 2^53-1. */
  readonly size: number;
  readonly artifactType?: string;
  /** Further places of the content; a registry need not have what has some. They are never asked. */
  readonly urls?: readonly string[];
  readonly platform?: Platform;
  /** Present where the descriptor has the content itself in it, as far as it says; whoever uses it verifies it. */
  readonly hasData?: true;
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
