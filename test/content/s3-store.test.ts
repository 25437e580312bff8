import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openS3Store } from '../../src/content/s3/s3-store.ts';
import { skipWithout } from '../interop/peers.ts';
import { startS3Server } from '../support/servers/s3-server.ts';
import type { S3Server } from '../support/servers/s3-server.ts';
import { blobStoreContract } from './blob-store-contract.ts';
import { storeContract } from './store-contract.ts';

describe.skipIf(skipWithout('versitygw'))('a real S3 server', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server?.stop());

  for (const [name, partBytes] of [
    ['in one request', 64 * 1024 * 1024],
    ['in parts', 5 * 1024 * 1024],
  ] as const) {
    const open = async () => {
      const root = await mkdtemp(join(tmpdir(), 'tidemark-s3-store-'));
      const { credentials } = server;
      const location = server.location(randomBytes(6).toString('hex'));
      const store = await openS3Store({ location, root, credentials, partBytes });
      return {
        store,
        temporaryFiles: () => readdir(join(root, 'partial')),
        async close() {
          store.close();
          await rm(root, { recursive: true, force: true });
        },
      };
    };
    storeContract(`S3, ${name}`, open);
    blobStoreContract(`S3, ${name}`, open);
  }
});
