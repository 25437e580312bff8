import { bundleTypes } from './companion-tag.ts';
import { parseDigest } from '../digest.ts';
import type { Digest } from '../digest.ts';
import { parseJson } from '../manifest/json-parse.ts';
import type { JsonValue } from '../manifest/json-parse.ts';

/** A layer of a signature manifest: a payload with its signature in annotations, or a Sigstore bundle. */
export interface SignatureLayer {
  readonly kind: 'cosign' | 'bundle';
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly annotations: Readonly<Record<string, string>>;
}

const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json';

/** The signature layers of a stored image manifest, in order. */
export function readSignatureLayers(document: Uint8Array): SignatureLayer[] {
  const root = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(document));
  const layers = root instanceof Map ? root.get('layers') : undefined;
  return Array.isArray(layers) ? layers.flatMap((layer) => readLayer(layer) ?? []) : [];
}

function readLayer(layer: JsonValue): SignatureLayer | undefined {
  if (!(layer instanceof Map)) return undefined;
  const mediaType = layer.get('mediaType');
  const size = layer.get('size');
  if (typeof mediaType !== 'string' || typeof size !== 'number') return undefined;
  const isCosign = mediaType === simpleSigningType;
  if (!isCosign && !bundleTypes.test(mediaType)) return undefined;
  const annotations = layer.get('annotations');
  const texts = annotations instanceof Map ? [...annotations] : [];
  return {
    kind: isCosign ? 'cosign' : 'bundle',
    mediaType,
    digest: parseDigest(layer.get('digest')),
    sizeBytes: size,
    annotations: Object.fromEntries(
      texts.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
    ),
  };
}
