import type { Descriptor } from './descriptor.ts';
import type { Digest } from '../digest.ts';

/** A manifest as it is kept: the raw bytes stay, JSON is a view. */
export interface ManifestDocument {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** What a mirror reads in a manifest. Successors are `[subject?, config?, ...layers, ...manifests]`. */
export interface ParsedManifest {
  /** `index`: OCI index or Docker manifest list; `image`: an OCI or Docker image manifest, artifacts included; `unknown`: opaque, copied as is. */
  readonly kind: 'index' | 'image' | 'unknown';
  readonly mediaType: string;
  /** Present where the document has a `mediaType` of its own: then it means the same whatever type it is served or listed as. */
  readonly isTyped?: true;
  /** Of an `unknown` one: what its structure says that it is. */
  readonly looksLike?: 'index' | 'image';
  /** `artifactType`, or for an image manifest without one its config's media type where that is not an image config's. */
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  /** Present where it signs its subject: a signature of cosign or Sigstore. */
  readonly isSignature?: true;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  /** All entries of an index; some may be blobs, as those of a build cache: `indexEntries` tells them apart. */
  readonly manifests: readonly Descriptor[];
}
