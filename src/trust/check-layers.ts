import { readSignatureLayers } from '../oci/signatures/signature-layers.ts';
import type { SignatureLayer } from '../oci/signatures/signature-layers.ts';
import type { Verdict } from '../oci/signatures/signature-rules.ts';
import type { Trust } from './compile-rules.ts';
import type { SubjectOfSignature } from './subject.ts';
import { verifySignature } from './verify-signature.ts';

/** The layers of a signature manifest to check, small ones first, or the reason for none. */
export type LayerPlan =
  | { readonly layers: readonly SignatureLayer[] }
  | { readonly refused: string; readonly layers?: undefined };

/** Far above the signatures of a real image: `cosign sign` appends a layer each time. */
const maxLayers = 100;
/** Of all layers together, counted for each layer that names a blob. It limits what is read, parsed and hashed for one signature. */
const maxBytes = 8 * 1024 * 1024;
const layerMaxBytes = 4 * 1024 * 1024;

/** Reads the manifest of a signature. Equal layers count once, because their verdict is the same. */
export function planLayers(document: Uint8Array): LayerPlan {
  let found: readonly SignatureLayer[];
  try {
    found = readSignatureLayers(document);
  } catch {
    return { refused: 'its manifest cannot be read' };
  }
  if (found.length === 0) return { refused: 'its manifest has no signature in it' };
  if (found.length > maxLayers)
    return { refused: `it has ${found.length} layers; at most ${maxLayers} are read` };
  const layers = [...new Map(found.map((layer) => [identity(layer), layer])).values()];
  const large = layers.find(({ sizeBytes }) => !(sizeBytes >= 0 && sizeBytes <= layerMaxBytes));
  if (large !== undefined)
    return { refused: `it has a layer of ${large.sizeBytes} bytes; at most ${layerMaxBytes} are read` };
  const bytes = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > maxBytes) return { refused: `its layers have ${bytes} bytes; at most ${maxBytes} are read` };
  return { layers: layers.sort((a, b) => a.sizeBytes - b.sizeBytes) };
}

/** A bundle is complete in its bytes. The signature of a payload is in the annotations. */
function identity({ kind, digest, annotations }: SignatureLayer): string {
  return kind === 'bundle' ? `${kind} ${digest}` : `${kind} ${digest} ${JSON.stringify(annotations)}`;
}

/**
 * Checks layers in order, up to the first valid one.
 * @param blobs the stored bytes by digest
 * @returns undefined when none is valid and a blob is missing
 */
export async function checkLayers(
  trust: Trust,
  {
    layers,
    blobs,
  }: { readonly layers: readonly SignatureLayer[]; readonly blobs: ReadonlyMap<string, Uint8Array> },
  subject: SubjectOfSignature,
): Promise<Verdict | undefined> {
  let refusal: Verdict | undefined;
  let lacks = false;
  for (const layer of layers) {
    const bytes = blobs.get(layer.digest);
    if (bytes === undefined) {
      lacks = true;
      continue;
    }
    const verdict = await (layer.kind === 'bundle'
      ? verifySignature(trust, { kind: 'bundle', document: bytes }, subject)
      : verifySignature(trust, { kind: 'cosign', payload: bytes, annotations: layer.annotations }, subject));
    if (verdict.isVerified) return verdict;
    refusal ??= verdict;
  }
  return lacks ? undefined : refusal;
}
