/** The other side of src/threads/download-threads.ts. */
import { parentPort } from 'node:worker_threads';
import { serveFile } from '../content/folder/serve-file.ts';
import { serveTransport } from '../registry/transport/threads/serve-transport.ts';
import type { OpenedService } from '../threads/download-threads.ts';

const services: Readonly<
  Record<OpenedService['service'], (port: OpenedService['port'], input: never) => void>
> = { file: serveFile, transport: serveTransport };

parentPort?.on('message', ({ service, port, input }: OpenedService) =>
  services[service](port, input as never),
);
