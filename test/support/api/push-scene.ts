/** `/v2/` over a blob folder with uploads, to be pushed to; it can be restarted in place. Temporal is not there. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noLogins } from '../../../src/access/login-settings.ts';
import { openFolderStore } from '../../../src/content/folder/folder-store.ts';
import { openUploadFolder } from '../../../src/content/folder/upload-folder.ts';
import type { UploadFolder } from '../../../src/content/folder/upload-folder.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { startApi } from './api-server.ts';
import type { ApiOptions, ApiUnderTest } from './api-server.ts';
import { pull } from './pull.ts';
import type { PullAnswer } from './pull.ts';

export interface PushScene {
  readonly api: ApiUnderTest;
  readonly uploads: UploadFolder;
  readonly folder: string;
  send(method: string, path: string, options?: Sent): Promise<PullAnswer>;
  /** Begins an upload; answers its address. */
  begin(name: string): Promise<string>;
  pushBlob(name: string, digest: Digest, bytes: Buffer, login?: Login): Promise<void>;
  /** Blobs, then manifests by digest, then their tags. */
  pushSample(name: string, sample: SampleRepository, login?: Login): Promise<void>;
  /** Of the repository; 0 where it has none. */
  latest(name: string): Promise<number>;
  uploadFiles(): Promise<string[]>;
  close(): Promise<void>;
}

/** Headers to log in with. */
type Login = Readonly<Record<string, string>>;

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | undefined;
}

export async function startPushScene(
  options: Pick<ApiOptions, 'config' | 'logins'> & { readonly uploads?: UploadFolder } = {},
): Promise<PushScene> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-push-'));
  const store = await openFolderStore({ root: folder, fsync: false });
  const uploads = options.uploads ?? (await openUploadFolder({ root: folder, blobs: store, fsync: false }));
  const api = await startApi({
    blobs: store,
    uploads,
    temporalAddress: '127.0.0.1:9',
    logins: options.logins ?? noLogins,
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  const send: PushScene['send'] = (method, path, { headers, body } = {}) =>
    pull(api.url, {
      method,
      path,
      headers: { 'content-length': String(body?.length ?? 0), ...headers },
      body,
    });
  const scene: PushScene = {
    api,
    uploads,
    folder,
    send,
    async begin(name) {
      const begun = await send('POST', `/v2/${name}/blobs/uploads/`);
      return String(begun.headers.location);
    },
    async pushBlob(name, digest, bytes, login = {}) {
      const { status, body } = await send('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, {
        headers: login,
        body: bytes,
      });
      if (status !== 201) throw new Error(`${status}: ${String(body)}`);
    },
    async pushSample(name, sample, login = {}) {
      for (const [digest, bytes] of sample.blobs) await scene.pushBlob(name, digest, bytes, login);
      for (const { digest, mediaType, bytes } of sample.manifests.values()) {
        const tags = [...sample.tags].filter(([, target]) => target === digest).map(([tag]) => tag);
        for (const reference of [digest, ...tags]) {
          const path = `/v2/${name}/manifests/${reference}`;
          const { status, body } = await send('PUT', path, {
            headers: { 'content-type': mediaType, ...login },
            body: bytes,
          });
          if (status !== 201) throw new Error(`${status}: ${String(body)}`);
        }
      }
    },
    async latest(name) {
      const [row] = await api.sql('select latest from repository where name = $1', [name]);
      return Number(row?.['latest'] ?? 0);
    },
    uploadFiles: () => readdir(join(folder, 'uploads')),
    async close() {
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return scene;
}

/** `errors[0].code` of an answer. */
export function errorCode({ body }: PullAnswer): string | undefined {
  const text = body.toString('utf8');
  if (text === '') return undefined;
  return (JSON.parse(text) as { errors?: { code: string }[] }).errors?.[0]?.code;
}
