import { TidemarkError } from '../oci/error.ts';
import type { UploadFolder } from './folder/upload-folder.ts';
import { unknownUpload } from './upload-store.ts';
import type { PartStore, UploadRecords, UploadStore } from './upload-store.ts';

export interface UploadsInParts {
  /** A folder of this process. The file of an upload ends where the upload ends, but may begin later. */
  readonly local: UploadFolder;
  readonly store: PartStore;
  readonly records: UploadRecords;
}

/**
 * Uploads that any process continues: what a request brings is a part in the blob store before it is answered. A part counts once it is recorded,
 * and only at the end of the upload as recorded, whoever else has written meanwhile. The last request fetches the parts that other processes have
 * received. An upload in one request has no parts.
 */
export function createUploadsInParts(places: UploadsInParts): UploadStore {
  const { local, store, records } = places;
  const state: State = { ...places, files: new Map(), inOneRequest: new Set() };
  return {
    async create(id) {
      await local.create(id);
      state.files.set(id, { begin: 0, recorded: 0 });
    },
    sizeOf: (id) => records.sizeOf(id),
    async append(id, bytes, isLast = false) {
      const file = isLast ? await gather(state, id) : await beginAtEnd(state, id);
      try {
        if (isLast) await local.append(id, bytes);
        else await appendInParts(state, id, bytes);
      } catch (error) {
        await keepRest(state, id);
        throw error;
      }
      return file.begin + ((await local.sizeOf(id)) ?? 0);
    },
    async finish(id, digest, onVerified) {
      try {
        return await local.finish(id, digest, onVerified);
      } catch (error) {
        await keepRest(state, id);
        throw error;
      }
    },
    isMoved: (id, verified) => local.isMoved(id, verified),
    async cancel(id) {
      const hasNoParts = state.inOneRequest.has(id);
      await forget(state, id);
      if (!hasNoParts) await store.remove(id);
    },
    async sweep(options) {
      let { removedFiles } = await local.sweep(options);
      // Ended at another process.
      for (const id of state.files.keys())
        if ((await records.sizeOf(id)) === undefined) await forget(state, id);
      for await (const id of store.list()) {
        if ((await records.sizeOf(id)) !== undefined) continue;
        await store.remove(id);
        removedFiles += 1;
      }
      return { removedFiles };
    },
  };
}

interface LocalFile {
  /** Where the file begins in the upload. */
  readonly begin: number;
  /** The end of the upload that this process has recorded, or found when it began to write. */
  recorded: number;
}

interface State extends UploadsInParts {
  /** A file of an earlier process is not used: nothing says where it begins. */
  readonly files: Map<string, LocalFile>;
  /** Uploads whose last request is their first: there is nothing to remove from the store. */
  readonly inOneRequest: Set<string>;
}

/** Takes as much of the body as a part has, while the part before is sent. */
async function appendInParts(state: State, id: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const body = cutInSlices(bytes, state.store.partBytes);
  let sending = Promise.resolve();
  try {
    while (await body.hasMore()) {
      const localBytes = await state.local.append(id, body.slice());
      await sending;
      sending = sendPart(state, id, localBytes);
      // The next turn reports it.
      sending.catch(() => undefined);
    }
  } finally {
    try {
      await sending;
    } finally {
      await body.close();
    }
  }
}

/** Sends and records what follows the end of the upload in the local file. */
async function sendPart(state: State, id: string, localBytes: number): Promise<void> {
  const { local, store, records, files, inOneRequest } = state;
  const file = files.get(id);
  if (file === undefined) throw unknownUpload(id);
  const { begin, recorded: startBytes } = file;
  const sizeBytes = begin + localBytes - startBytes;
  if (sizeBytes === 0) return;
  inOneRequest.delete(id);
  const piece = { path: local.pathOf(id), start: startBytes - begin, end: localBytes };
  const digest = await store.put(id, piece);
  if (!(await records.add(id, { startBytes, sizeBytes, digest }))) throw await notAtEnd(records, id);
  file.recorded += sizeBytes;
}

/** After an error: the client continues after what has arrived. */
async function keepRest(state: State, id: string): Promise<void> {
  const localBytes = await state.local.sizeOf(id);
  if (localBytes !== undefined) await sendPart(state, id, localBytes).catch(() => undefined);
}

/** Makes the local file end where the upload ends. */
async function beginAtEnd(state: State, id: string): Promise<LocalFile> {
  const size = await knownSize(state, id);
  const [file, localBytes] = [state.files.get(id), await state.local.sizeOf(id)];
  const isAtEnd = localBytes !== undefined && file?.recorded === size && file.begin + localBytes === size;
  return isAtEnd ? file : startFile(state, id, { begin: size, recorded: size });
}

/** Makes the local file the whole upload. */
async function gather(state: State, id: string): Promise<LocalFile> {
  const { local, store, records, files, inOneRequest } = state;
  const size = await knownSize(state, id);
  let file = files.get(id);
  const isWhole = file?.begin === 0 && file.recorded === size && (await local.sizeOf(id)) === size;
  if (!isWhole || file === undefined) {
    file = await startFile(state, id, { begin: 0, recorded: size });
    for (const part of await records.parts(id)) await local.append(id, await store.fetch(id, part));
    if ((await local.sizeOf(id)) !== size) throw await notAtEnd(records, id);
  }
  if (size === 0) inOneRequest.add(id);
  return file;
}

async function knownSize({ records }: State, id: string): Promise<number> {
  const size = await records.sizeOf(id);
  if (size === undefined) throw unknownUpload(id);
  return size;
}

async function startFile(state: State, id: string, file: LocalFile): Promise<LocalFile> {
  await forget(state, id);
  await state.local.create(id);
  state.files.set(id, file);
  return file;
}

async function forget({ local, files, inOneRequest }: State, id: string): Promise<void> {
  files.delete(id);
  inOneRequest.delete(id);
  await local.cancel(id);
}

/** This process lost the lock of the upload, or the upload has ended. */
async function notAtEnd(records: UploadRecords, id: string): Promise<TidemarkError> {
  const size = await records.sizeOf(id);
  if (size === undefined) return unknownUpload(id);
  return new TidemarkError(
    'STORAGE_UNAVAILABLE',
    `Another process has written to the upload ${id}, which has ${size} bytes now. Ask for its progress, and continue there.`,
    { origin: 'server', retryable: true },
  );
}

/** A body as slices of at most so many bytes, each read to its end before the next. */
function cutInSlices(bytes: AsyncIterable<Uint8Array>, sliceBytes: number) {
  const source = bytes[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  async function hasMore(): Promise<boolean> {
    while (rest.byteLength === 0) {
      const next = await source.next();
      if (next.done === true) return false;
      rest = next.value;
    }
    return true;
  }
  return {
    hasMore,
    async *slice(): AsyncGenerator<Uint8Array> {
      for (let left = sliceBytes; left > 0 && (await hasMore());) {
        const chunk = rest.subarray(0, left);
        rest = rest.subarray(chunk.byteLength);
        left -= chunk.byteLength;
        yield chunk;
      }
    },
    close: async () => void (await source.return?.()),
  };
}
