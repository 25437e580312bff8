import { TidemarkError } from '../oci/error.ts';
import { ThreadError, openTaskThread, workerFile } from '../threads/task-thread.ts';
import type { AtomicSignature } from './read-atomic.ts';

/** Signatures are read on a thread, because even a small message may have millions of packets or unpack to more. */
const thread = openTaskThread<Uint8Array, AtomicSignature>({
  file: workerFile('read-atomic-worker', import.meta.url),
  // a real signature takes milliseconds
  timeoutMs: 2_000,
  memoryMb: 128,
  maxWaiting: 256,
  idleMs: 5_000,
});

/**
 * `readAtomicSignature` on a thread of its own.
 * @throws TidemarkError `SIGNATURE_INVALID`, also beyond the limits of time and memory; `SERVER_BUSY` (retryable); the signal's reason
 */
export async function readAtomicDocument(
  bytes: Uint8Array,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<AtomicSignature> {
  try {
    return await thread.run(bytes, { signal });
  } catch (error) {
    if (!(error instanceof ThreadError)) throw error;
    if (error.kind === 'exhausted')
      throw new TidemarkError(
        'SIGNATURE_INVALID',
        `The signature of ${bytes.byteLength} bytes cannot be read within the limits. ${error.message} Sign the image again.`,
        { cause: error },
      );
    throw new TidemarkError('SERVER_BUSY', 'The signature could not be read at the moment; try again.', {
      origin: 'server',
      retryable: true,
      cause: error,
    });
  }
}
