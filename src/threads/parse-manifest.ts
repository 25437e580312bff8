import { setImmediate } from 'node:timers/promises';
import type { Descriptor } from '../oci/manifest/descriptor.ts';
import { TidemarkError } from '../oci/error.ts';
import { parseManifest } from '../oci/manifest/manifest-parse.ts';
import type { ManifestDocument, ParsedManifest } from '../oci/manifest/manifest.ts';
import type { ParseAnswer, ParseQuestion } from './parse-manifest-worker.ts';
import { ThreadError, openTaskThread, workerFile } from './task-thread.ts';

/** Larger documents are parsed on a thread of their own: what a stranger sends must not hold the event loop. */
export const inlineMaxBytes = 64 * 1024;

const thread = openTaskThread<ParseQuestion, ParseAnswer>({
  file: workerFile('parse-manifest-worker', import.meta.url),
  timeoutMs: 30_000,
  memoryMb: 256,
  maxWaiting: 256,
  idleMs: 10_000,
});

/**
 * `parseManifest`, whatever the size of the document: the event loop goes on meanwhile.
 * @throws TidemarkError what `parseManifest` throws, `MANIFEST_INVALID` too for one that takes more time or memory than any
 * that is of use, `SERVER_BUSY` (retryable); the signal's reason.
 */
export async function parseManifestDocument(
  bytes: ManifestDocument['bytes'],
  contentType: string | undefined,
  options: { readonly listedAs?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<ParsedManifest> {
  if (bytes.byteLength <= inlineMaxBytes)
    return parseManifest(bytes, contentType, { listedAs: options.listedAs });
  const answer = await parseElsewhere(bytes, contentType, options);
  return {
    ...answer.view,
    layers: await readPages(answer.layers),
    manifests: await readPages(answer.manifests),
  };
}

async function parseElsewhere(
  bytes: Uint8Array,
  contentType: string | undefined,
  { listedAs, signal }: { readonly listedAs?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<ParseAnswer> {
  // A view would take all that lies around it along.
  const copy = new Uint8Array(bytes);
  try {
    return await thread.run({ bytes: copy, contentType, listedAs }, { signal, transfer: [copy.buffer] });
  } catch (error) {
    if (!(error instanceof ThreadError)) throw error;
    if (error.kind === 'exhausted')
      throw new TidemarkError(
        'MANIFEST_INVALID',
        `The manifest of ${bytes.byteLength} bytes cannot be parsed within the limits. ${error.message} Rebuild it with fewer entries.`,
        { cause: error },
      );
    throw new TidemarkError('SERVER_BUSY', 'The manifest could not be parsed at the moment; try again.', {
      origin: 'server',
      retryable: true,
      cause: error,
    });
  }
}

/** A page at a time, with turns of the event loop between them: ten thousand descriptors at once would hold it. */
async function readPages(pages: readonly string[]): Promise<Descriptor[]> {
  const descriptors: Descriptor[] = [];
  for (const page of pages) {
    descriptors.push(...(JSON.parse(page) as Descriptor[]));
    await setImmediate();
  }
  return descriptors;
}
