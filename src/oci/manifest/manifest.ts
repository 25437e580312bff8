import type { Descriptor } from './descriptor.ts';
import type { Digest } from '../digest.ts';

/** A stored manifest. The raw bytes are authoritative; JSON is a view. */
export interface ManifestDocument {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** The parts of a manifest that a mirror uses. Successors are `[subject?, config?, ...layers, ...manifests]`. */
export interface ParsedManifest {
  /** `index`: OCI index or Docker manifest list; `image`: an OCI or Docker image manifest, artifacts included; `unknown`: opaque. */
  readonly kind: 'index' | 'image' | 'unknown';
  readonly mediaType: string;
  /** Whether the document has a `mediaType`: then no other type changes its meaning. */
  readonly isTyped?: true;
  /** For `unknown`: the kind by its structure. */
  readonly looksLike?: 'index' | 'image';
  /** `artifactType`, or the config's media type in an image manifest without one, unless it is an image config's. */
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  /** Whether it is a signature of cosign or Sigstore for its subject. */
  readonly isSignature?: true;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  /** All entries of an index. Some may be blobs, as in a build cache; see `indexEntries`. */
  readonly manifests: readonly Descriptor[];
}
