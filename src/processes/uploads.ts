import { openUploadFolder } from '../content/folder/upload-folder.ts';
import type { BlobStore } from '../content/store.ts';
import type { UploadStore } from '../content/upload-store.ts';
import { createUploadsInParts } from '../content/uploads-in-parts.ts';
import { addUploadPart, readUploadParts, readUploadSize } from '../db/content/uploads.ts';
import type { Database } from '../db/open-database.ts';

/** Uploads that any API process continues: on the shared folder, or in parts in the bucket. */
export async function openUploads(options: {
  readonly root: string;
  readonly blobs: BlobStore;
  readonly database: Database;
}): Promise<UploadStore> {
  const { blobs, database } = options;
  const local = await openUploadFolder(options);
  if (blobs.parts === undefined) return local;
  const em = () => database.em.fork();
  return createUploadsInParts({
    local,
    store: blobs.parts,
    records: {
      sizeOf: (id) => readUploadSize(em(), id),
      parts: (id) => readUploadParts(em(), id),
      add: (id, part) => addUploadPart(em(), id, part),
    },
  });
}
