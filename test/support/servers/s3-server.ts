/** A real S3 server (versitygw, over a folder), for the tests; scripts/install-peers.sh installs it. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { S3Location } from '../../../src/content/s3/s3-location.ts';
import { findPeer } from '../../interop/peers.ts';
import { testSecret } from '../test-secret.ts';

export interface S3Server {
  readonly url: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** What `TIDEMARK_BLOBS` and AWS's variables have to be. */
  settings(parameters?: string, prefix?: string): Record<string, string>;
  /** The one bucket; `prefix` apart for each test. */
  location(prefix: string): S3Location;
  /** The folder that is the bucket. */
  readonly folder: string;
  stop(): Promise<void>;
}

const bucket = 'tidemark-test';

export async function startS3Server(): Promise<S3Server> {
  const program = findPeer('versitygw');
  if (program === undefined)
    throw new Error('versitygw is missing; expected it installed by: bash scripts/install-peers.sh');
  const root = await mkdtemp(join(tmpdir(), 'tidemark-s3-'));
  const folder = join(root, 'data', bucket);
  await mkdir(folder, { recursive: true });
  const credentials = {
    accessKeyId: 'tidemark',
    secretAccessKey: testSecret(`s3-${randomBytes(9).toString('hex')}`),
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(program, ['--port', `127.0.0.1:${port}`, 'posix', join(root, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      HOME: root,
      ROOT_ACCESS_KEY: credentials.accessKeyId,
      ROOT_SECRET_KEY: credentials.secretAccessKey,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-4_000);
    });
  const exited = once(child, 'exit');
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const stop = async () => {
    process.off('exit', end);
    end();
    await exited;
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  };
  while (!(await answers(url))) {
    if (child.exitCode === null) continue;
    await stop();
    throw new Error(`versitygw ended before it listened:\n${output}`);
  }
  return {
    url,
    credentials,
    folder,
    location: (prefix) => ({ bucket, prefix, endpoint: url, region: 'us-east-1', redirect: false }),
    settings: (parameters = '', prefix = 'tidemark') => ({
      TIDEMARK_BLOBS: `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(url)}&region=us-east-1${parameters}`,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    }),
    stop,
  };
}

/** versitygw cannot be told to take any: the port is free until it asks. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return false;
  }
}
