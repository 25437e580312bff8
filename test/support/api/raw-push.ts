import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import type { Sent } from './push-scene.ts';

export const bytes = Buffer.from('0123456789abcdef');
export const digest = digestBytes(bytes);
export const manifestType = { 'content-type': mediaTypes.ociManifest };

export function chunk(from: number, to: number): Sent & { readonly body: Buffer } {
  return { headers: { 'content-range': `${from}-${to - 1}` }, body: bytes.subarray(from, to) };
}

export function idOf(location: string): string {
  return location.split('/').at(-1) ?? '';
}
