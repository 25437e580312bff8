/**
 * A process of its own that pushes, for tests that kill it or weigh it:
 * `push-process.ts loop <root>` pushes blobs until it is killed, printing a line after each;
 * `push-process.ts large <root> <MiB>` pushes one large blob and prints how far resident memory grew, in bytes.
 */
import { createHash } from 'node:crypto';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { createScriptedSource, keyOf, seededBytes } from './scripted-source.ts';

const [mode, root = '', mebibytes = '0'] = process.argv.slice(2);
const store = await openFolderStore({ root });

if (mode === 'loop') await Promise.all([1, 2, 3].map((lane) => pushForever(lane)));
else await pushLarge(Number(mebibytes));

async function pushForever(lane: number): Promise<void> {
  for (let round = 0; ; round++) {
    const bytes = seededBytes(lane * 200_000, (round % 20) * 3 + lane);
    const key = keyOf(bytes);
    await store.delete(key);
    await store.push(key, createScriptedSource(bytes, { chunkBytes: 50_000 }));
    console.log(key.digest);
  }
}

async function pushLarge(count: number): Promise<void> {
  const chunk = Buffer.alloc(1024 * 1024);
  const hash = createHash('sha256');
  for (let index = 0; index < count; index++) hash.update(chunk.fill(index));
  const key = {
    digest: `sha256:${hash.digest('hex')}` as Digest,
    size: count * chunk.byteLength,
    mediaType: 'x/y',
  };
  async function* body() {
    for (let index = 0; index < count; index++) yield chunk.fill(index);
  }
  const before = process.memoryUsage().rss;
  let highest = before;
  const onProgress = (): void => {
    highest = Math.max(highest, process.memoryUsage().rss);
  };
  await store.push(key, { fetch: async () => ({ offset: 0, bytes: body() }) }, { onProgress });
  console.log(highest - before);
}
