/**
 * What the upstream of the bench holds: the shapes of `small`, `big`, `manytags` and `tags10k` as ../shared/corpora/mkupstream.py has
 * them, made by the project's own image builder, piece by piece so that no corpus has to fit into memory.
 */
import { createHash } from 'node:crypto';
import { addImage, addIndex, addLayer, createSampleRepository } from '../src/demo/sample-image.ts';
import type { SampleRepository } from '../src/demo/sample-image.ts';
import type { Descriptor } from '../src/oci/manifest/descriptor.ts';
import { pushSample } from '../test/interop/push-sample.ts';

export interface Corpus {
  readonly name: string;
  readonly description: string;
  /** The tag that a "one tag changed" row moves. */
  readonly changingTag: string;
  /** Layers that pieces share come first; the pieces after them may be pushed in any order. */
  pieces(): Iterable<SampleRepository>;
}

const megabyte = 1_000_000;

export const corpora = {
  small: {
    name: 'small',
    description: '8 tags, 21 manifests (6 indexes), 31 blobs, 4 MB',
    changingTag: 'v1.7.0',
    pieces: smallPieces,
  },
  big: {
    name: 'big',
    description: '4 tags, 4 manifests, 24 layers of 25 MB',
    changingTag: 'b3',
    pieces: () => bigPieces('big', { images: 4 }),
  },
  big150: {
    name: 'big150',
    description: '`big` for slow lines: 4 tags, 4 manifests, 24 layers of 6.25 MB',
    changingTag: 'b3',
    pieces: () => bigPieces('big150', { images: 4, layerBytes: 6_250_000 }),
  },
  manytags: {
    name: 'manytags',
    description: '1,000 tags, 200 manifests, 250 blobs',
    changingTag: 'v0.0.0',
    pieces: () =>
      taggedPieces('manytags', { images: 200, minors: 20, layerBytes: (index) => 4_000 + 600 * index }),
  },
  tags10k: {
    name: 'tags10k',
    description: '10,000 tags, 2,000 manifests, 2,050 blobs',
    changingTag: 'v0.0.0',
    pieces: () =>
      taggedPieces('tags10k', { images: 2_000, minors: 100, layerBytes: (index) => 2_000 + 100 * index }),
  },
} as const satisfies Record<string, Corpus>;

export type CorpusName = keyof typeof corpora;

/** `big` four times over, for the row of two workers. */
export const bigTimesFour: Corpus = {
  name: 'big-x4',
  description: '16 tags, 96 layers of 25 MB',
  changingTag: 'b15',
  pieces: () => bigPieces('big-x4', { images: 16 }),
};

/** What a Tidemark syncs before anything is measured, so that it is warm: a little of everything. */
export const warmUp: Corpus = {
  name: 'warm-up',
  description: '304 tags, 64 manifests, 8 layers of 25 MB',
  changingTag: 'v0.0.0',
  *pieces() {
    yield* taggedPieces('warm-up', { images: 60, minors: 20, layerBytes: (index) => 4_000 + 600 * index });
    yield* bigPieces('warm-up', { images: 4, layersAnImage: 2 });
  },
};

const lanes = 4;

/** Pushes a corpus as a repository of its name; returns its bytes. */
export async function pushCorpus(url: string, corpus: Corpus): Promise<number> {
  const pieces = corpus.pieces()[Symbol.iterator]();
  let bytes = 0;
  const pushNext = async (): Promise<boolean> => {
    const next = pieces.next();
    if (next.done === true) return false;
    await pushSample(url, corpus.name, next.value);
    const { blobs, manifests } = next.value;
    for (const blob of blobs.values()) bytes += blob.length;
    for (const manifest of manifests.values()) bytes += manifest.bytes.length;
    return true;
  };
  const lane = async (): Promise<void> => {
    while (await pushNext());
  };
  await pushNext();
  await Promise.all(Array.from({ length: lanes }, lane));
  return bytes;
}

/** Moves the corpus's tag to an image that was not there before; `change` numbers the changes. */
export async function changeOneTag(url: string, corpus: Corpus, change: number): Promise<void> {
  const piece = createSampleRepository();
  const seed = `${corpus.name}-change-${change}`;
  addImage(piece, { seed, layers: [50_000], tag: corpus.changingTag });
  await pushSample(url, corpus.name, piece);
}

function* smallPieces(): Generator<SampleRepository> {
  const piece = createSampleRepository();
  const base = addLayer(piece, 'small-base', 700_000);
  for (let index = 0; index < 8; index += 1) {
    const tag = `v1.${index}.0`;
    const architectures = index > 5 ? ['amd64'] : ['amd64', 'arm64', ...(index === 5 ? ['s390x'] : [])];
    const manifests = architectures.map((architecture) =>
      addImage(piece, {
        seed: `small-${index}-${architecture}`,
        layers: [base, 40_000 + 37_000 * index],
        platform: { os: 'linux', architecture },
        ...(index > 5 ? { tag } : {}),
      }),
    );
    if (index <= 5) addIndex(piece, { manifests, annotations: { index: String(index) }, tag });
  }
  yield piece;
}

function* bigPieces(
  name: string,
  {
    images,
    layersAnImage = 6,
    layerBytes = 25 * megabyte,
  }: { readonly images: number; readonly layersAnImage?: number; readonly layerBytes?: number },
): Generator<SampleRepository> {
  for (let index = 0; index < images; index += 1) {
    const piece = createSampleRepository();
    const layers = Array.from({ length: layersAnImage }, () => layerBytes);
    addImage(piece, { seed: `${name}-${index}`, layers, tag: `b${index}` });
    yield piece;
  }
}

const sharedLayers = 50;
const tagsAnImage = 5;

function* taggedPieces(
  name: string,
  shape: {
    readonly images: number;
    /** Tags are v<major>.<minor>.<patch>, with so many minor numbers. */
    readonly minors: number;
    readonly layerBytes: (index: number) => number;
  },
): Generator<SampleRepository> {
  const base = createSampleRepository();
  const layers = Array.from({ length: sharedLayers }, (_, index) =>
    addLayer(base, `${name}-${index}`, shape.layerBytes(index)),
  );
  yield base;
  const { minors } = shape;
  for (let index = 0; index < shape.images; index += 1) {
    const piece = { ...createSampleRepository(), diffIds: base.diffIds };
    const image = addImage(piece, {
      seed: `${name}-image-${index}`,
      layers: pickThree(layers, `${name}-${index}`),
    });
    for (let patch = 0; patch < tagsAnImage; patch += 1)
      piece.tags.set(`v${Math.floor(index / minors)}.${index % minors}.${patch}`, image.digest);
    yield piece;
  }
}

/** Three different layers, the same for the same seed. */
function pickThree(layers: readonly Descriptor[], seed: string): Descriptor[] {
  const bytes = createHash('sha256').update(seed).digest();
  const picked = new Set<Descriptor>();
  for (const byte of bytes) {
    const layer = layers[byte % layers.length];
    if (layer !== undefined && picked.size < 3) picked.add(layer);
  }
  return [...picked];
}
