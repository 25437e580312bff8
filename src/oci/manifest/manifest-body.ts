import { TidemarkError } from '../error.ts';
import { isSignatureArtifact } from '../signatures/companion-tag.ts';
import { invalid, readDescriptor, readText } from './descriptor-parse.ts';
import type { Descriptor } from './descriptor.ts';
import type { JsonObject } from './json-parse.ts';
import type { ParsedManifest } from './manifest.ts';
import { isImageConfigType, mediaTypes } from './media-type.ts';

export function readIndex(root: JsonObject, mediaType: string, maxDescriptors: number): ParsedManifest {
  const artifactType = readText(root, 'artifactType', '');
  const subject = readSubject(root, mediaType);
  return {
    kind: 'index',
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject }),
    layers: [],
    manifests: readList(root, 'manifests', maxDescriptors),
  };
}

export function readImage(root: JsonObject, mediaType: string, maxDescriptors: number): ParsedManifest {
  const isArtifact = mediaType === mediaTypes.ociArtifactManifest;
  const config = isArtifact ? undefined : readDescriptor(root.get('config'), 'config');
  const artifactType = readText(root, 'artifactType', '') ?? configArtifactType(mediaType, config);
  const subject = readSubject(root, mediaType);
  return {
    kind: 'image',
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject, ...readSigning(root, artifactType) }),
    ...(config === undefined ? {} : { config }),
    layers: readList(root, isArtifact ? 'blobs' : 'layers', maxDescriptors),
    manifests: [],
  };
}

function readSigning(root: JsonObject, artifactType: string | undefined): { isSignature?: true } {
  const annotations = root.get('annotations');
  const isSignature = isSignatureArtifact(artifactType, annotations instanceof Map ? annotations : new Map());
  return isSignature ? { isSignature } : {};
}

/** distribution-spec, "Listing Referrers": the config's media type replaces an absent `artifactType`. */
function configArtifactType(mediaType: string, config: Descriptor | undefined): string | undefined {
  if (config === undefined || isImageConfigType(config.mediaType)) return undefined;
  // Docker 1.10 pushed image configs as octet-stream.
  if (mediaType === mediaTypes.dockerManifest && config.mediaType === 'application/octet-stream')
    return undefined;
  return config.mediaType;
}

/** Docker's formats have no `subject`; clients ignore the key there. */
function readSubject(root: JsonObject, mediaType: string): Descriptor | undefined {
  const value = root.get('subject') ?? null;
  if (value === null || mediaType === mediaTypes.dockerManifest) return undefined;
  return mediaType === mediaTypes.dockerManifestList ? undefined : readDescriptor(value, 'subject');
}

function readList(root: JsonObject, key: string, maxDescriptors: number): Descriptor[] {
  const value = root.get(key) ?? null;
  // Go writes an empty list as null. Artifacts may lack layers, but an index must have `manifests`.
  if (value === null && (root.has(key) || key !== 'manifests')) return [];
  if (!Array.isArray(value)) throw invalid(key, root.get(key), 'a list of descriptors');
  if (value.length > maxDescriptors)
    throw new TidemarkError(
      'INDEX_TOO_LARGE',
      `The manifest lists ${value.length} descriptors in ${key}; at most ${maxDescriptors} are accepted. ` +
        'Raise the limit on this server to accept it.',
    );
  return value.map((entry, index) => readDescriptor(entry, `${key}[${index}]`));
}
