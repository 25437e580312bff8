import type { Descriptor } from '../oci/manifest/descriptor.ts';
import { parseManifest } from '../oci/manifest/manifest-parse.ts';
import type { ParsedManifest } from '../oci/manifest/manifest.ts';
import { answerQuestions } from './answer-questions.ts';

export interface ParseQuestion {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly listedAs: string | undefined;
}

/** Lists come as pages of JSON, so that the other side can take them in turns. */
export interface ParseAnswer {
  readonly view: Omit<ParsedManifest, 'layers' | 'manifests'>;
  readonly layers: readonly string[];
  readonly manifests: readonly string[];
}

const pageLength = 500;

answerQuestions(({ bytes, contentType, listedAs }: ParseQuestion): ParseAnswer => {
  const { layers, manifests, ...view } = parseManifest(bytes, contentType, { listedAs });
  return { view, layers: toPages(layers), manifests: toPages(manifests) };
});

function toPages(descriptors: readonly Descriptor[]): string[] {
  const pages: string[] = [];
  for (let at = 0; at < descriptors.length; at += pageLength)
    pages.push(JSON.stringify(descriptors.slice(at, at + pageLength)));
  return pages;
}
