/** Faults that every store meets alike: sources that end early, go on for ever, or send other bytes. */
import { expect, test } from 'vitest';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from './scripted-source.ts';
import type { OpenedStore } from './store-contract.ts';

export function testFaults(stored: () => OpenedStore['store']): void {
  test('fault 1: after a body that ended early the next push fetches only the rest', async () => {
    const store = stored();
    const bytes = seededBytes(1_000_000);
    const key = keyOf(bytes);
    const error = await refusal(store.push(key, createScriptedSource(bytes, { endAfter: 700_000 })));
    expect(error).toMatchObject({ code: 'UPSTREAM_TRUNCATED', retryable: true });
    expect(error.message).toContain('700000 of 1000000');
    expect(await store.exists(key)).toBe(false);
    const rest = createScriptedSource(bytes);
    expect(await store.push(key, rest)).toEqual({ fetchedBytes: 300_000 });
    expect(rest.offsets).toEqual([700_000]);
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
  });

  test('fault 2: a body longer than the size is refused and nothing is stored', async () => {
    const store = stored();
    const bytes = seededBytes(100_000);
    const key = { ...keyOf(bytes.subarray(0, 99_999)) };
    const source = createScriptedSource(bytes, { chunkBytes: 1000 });
    expect(await refusal(store.push(key, source))).toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(source.offsets).toEqual([0]);
    expect(await store.exists(key)).toBe(false);
  });

  test('fault 2: an endless body is left at the first chunk beyond the size', async () => {
    const store = stored();
    let given = 0;
    const endless = async function* () {
      for (;;) {
        given += 1;
        yield Buffer.alloc(1000);
      }
    };
    const push = store.push(keyOf(seededBytes(5000)), {
      fetch: async () => ({ offset: 0, bytes: endless() }),
    });
    expect(await refusal(push)).toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(given).toBe(6);
  });

  test('fault 3: a wrong digest is fetched once more from the first byte, then refused with both digests', async () => {
    const store = stored();
    const key = keyOf(seededBytes(100_000, 1));
    const wrong = seededBytes(100_000, 2);
    const source = createScriptedSource(wrong);
    const error = await refusal(store.push(key, source));
    expect(error.code).toBe('DIGEST_MISMATCH');
    expect(error.message).toContain(key.digest);
    expect(error.message).toContain(digestBytes(wrong));
    expect(source.offsets).toEqual([0, 0]);
    expect(await store.exists(key)).toBe(false);
  });

  test('fault 3: a wrong rest after a resume is fetched once more from the first byte', async () => {
    const store = stored();
    const bytes = seededBytes(100_000, 1);
    const key = keyOf(bytes);
    await refusal(store.push(key, createScriptedSource(bytes, { endAfter: 50_000 })));
    const forged = createScriptedSource(seededBytes(100_000, 2));
    const honest = createScriptedSource(bytes);
    const source = {
      fetch: (...asked: Parameters<typeof honest.fetch>) =>
        (forged.offsets.length === 0 ? forged : honest).fetch(...asked),
    };
    expect(await store.push(key, source)).toEqual({ fetchedBytes: 150_000 });
    expect([forged.offsets, honest.offsets]).toEqual([[50_000], [0]]);
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
  });

  test('fault 7: a source that answers a resume from byte 0 is taken from byte 0, never appended', async () => {
    const store = stored();
    const bytes = seededBytes(900_000);
    const key = keyOf(bytes);
    await refusal(store.push(key, createScriptedSource(bytes, { endAfter: 600_000 })));
    const source = createScriptedSource(bytes, { ignoreOffset: true });
    expect(await store.push(key, source)).toEqual({ fetchedBytes: 900_000 });
    expect(source.offsets).toEqual([600_000]);
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
  });

  test('fault 8: a source that answers from another byte is refused', async () => {
    const store = stored();
    const key = keyOf(seededBytes(1000));
    const source = createScriptedSource(seededBytes(1000), { sayOffset: 5 });
    expect(await refusal(store.push(key, source))).toMatchObject({
      code: 'UPSTREAM_RANGE_INVALID',
      retryable: true,
    });
  });

  test('fault 43: what is no digest is refused before anything is touched', async () => {
    const store = stored();
    for (const digest of [
      'sha256:../../x',
      `sha256:${'A'.repeat(64)}`,
      'sha256:abc',
      `md5:${'0'.repeat(32)}`,
      '../x',
    ]) {
      const key = { ...keyOf(Buffer.alloc(0)), digest: digest as never };
      const source = createScriptedSource(Buffer.alloc(0));
      for (const refused of [store.push(key, source), store.fetch(key), store.exists(key), store.delete(key)])
        expect((await refusal(refused)).code, digest).toMatch(/^DIGEST_(?:INVALID|UNSUPPORTED)$/);
      expect(source.offsets).toEqual([]);
    }
  });
}
