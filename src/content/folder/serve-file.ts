import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { MessagePort } from 'node:worker_threads';
import type { DigestAlgorithm } from '../../oci/digest.ts';
import { openCalls } from '../../threads/thread-calls.ts';
import { writeFully } from './block-writer.ts';

export interface ServedFile {
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
}

/** The functions of a thread for one file. */
export type FileService = {
  /** Hashes and writes bytes, in the order of the calls. */
  write(input: { readonly bytes: Uint8Array; readonly position: number }): Promise<void>;
  /** Begins a new hash. */
  restart(input: undefined): void;
  /** In hex. */
  digest(input: undefined): string;
};

/** Hashes and writes an existing file, with a handle of this thread. */
export function serveFile(port: MessagePort, { path, algorithm }: ServedFile): void {
  const opening = open(path, 'r+');
  // The first write reports the error.
  opening.catch(() => undefined);
  let hash = createHash(algorithm);
  const service: FileService = {
    async write({ bytes, position }) {
      // The thread pool writes while this thread hashes.
      const writing = opening.then((handle) => writeFully(handle, bytes, position));
      hash.update(bytes);
      await writing;
    },
    restart() {
      hash = createHash(algorithm);
    },
    digest: () => hash.digest('hex'),
  };
  openCalls(port, service, () => {
    opening.then((handle) => handle.close()).catch(() => undefined);
  });
}
