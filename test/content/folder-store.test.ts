import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import { blobStoreContract } from './blob-store-contract.ts';
import { storeContract } from './store-contract.ts';

for (const fsync of [true, false]) {
  const name = fsync ? 'folder' : 'folder without fsync';
  const open = async () => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-store-'));
    return {
      store: await openFolderStore({ root, fsync }),
      temporaryFiles: () => readdir(join(root, 'partial')),
      close: () => rm(root, { recursive: true, force: true }),
    };
  };
  storeContract(name, open);
  blobStoreContract(name, open);
}
