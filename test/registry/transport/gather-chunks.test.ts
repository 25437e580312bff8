import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { gatherChunks } from '../../../src/registry/transport/threads/gather-chunks.ts';
import { seededBytes } from '../../content/scripted-source.ts';

const bytes = seededBytes(3_000_000);

/** Chunks of these sizes in turn, in one buffer that is overwritten before each chunk, as sockets do. */
async function* chunksOf(sizes: readonly number[], failure?: Error): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(Math.max(...sizes));
  for (let done = 0, turn = 0; done < bytes.length; turn += 1) {
    const part = bytes.subarray(done, done + (sizes[turn % sizes.length] ?? 1));
    buffer.fill(0xee);
    buffer.set(part);
    if (turn % 3 === 0) await setImmediate();
    yield buffer.subarray(0, part.length);
    done += part.length;
  }
  if (failure !== undefined) throw failure;
}

async function read(source: AsyncIterable<Uint8Array>) {
  const chunks: Buffer[] = [];
  let failure: unknown;
  try {
    for await (const chunk of source) chunks.push(Buffer.from(chunk));
  } catch (error) {
    failure = error;
  }
  return { chunks, failure, isWhole: Buffer.concat(chunks).equals(bytes) };
}

test.each([
  { sizes: [16_000], most: 100 },
  { sizes: [1_000_000], most: 3 },
  { sizes: [1, 500_000, 90_000, 250_000, 3, 262_144], most: 18 },
])('chunks of $sizes bytes come in order, and small ones together', async ({ sizes, most }) => {
  const { chunks, isWhole } = await read(gatherChunks(chunksOf(sizes)));
  expect(isWhole).toBe(true);
  expect(chunks.length).toBeLessThanOrEqual(most);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(Math.max(512 * 1024, ...sizes));
});

test('an error comes after the bytes before it', async () => {
  const broken = new Error('the connection broke');
  const { isWhole, failure } = await read(gatherChunks(chunksOf([100_000], broken)));
  expect(isWhole).toBe(true);
  expect(failure).toBe(broken);
});
