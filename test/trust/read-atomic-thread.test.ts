import { expect, test } from 'vitest';
import { readAtomicDocument } from '../../src/trust/read-atomic-thread.ts';
import { readAtomicSignature } from '../../src/trust/read-atomic.ts';
import { manyPackets } from '../support/signatures/atomic-bomb.ts';
import { atomicPayload, createSigner } from '../support/signatures/atomic-signature.ts';
import { longestTurnMs } from '../support/watch/watch-turns.ts';

const digest = `sha256:${'1'.repeat(64)}`;
const signed = await (await createSigner()).sign(atomicPayload(digest, { creator: 'a', timestamp: 1 }));

test('a signature is read as on this thread, and what is none is refused so', async () => {
  expect(await readAtomicDocument(signed)).toEqual(await readAtomicSignature(signed));
  const refused = await readAtomicDocument(Buffer.alloc(300, 7)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'SIGNATURE_INVALID', origin: 'upstream', retryable: false });
  await expect(readAtomicSignature(Buffer.alloc(300, 7))).rejects.toThrow((refused as Error).message);
});

test('a message of half a million packets is refused, and this thread goes on meanwhile', async () => {
  const bomb = await manyPackets();
  expect(bomb.length).toBeLessThan(2_000);
  const longestMs = await longestTurnMs(async () => {
    await expect(readAtomicDocument(bomb)).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
      message: expect.stringContaining('cannot be read within the limits'),
    });
  });
  expect(longestMs).toBeLessThan(100);
  expect(await readAtomicDocument(signed)).toMatchObject({ manifestDigest: digest });
});

test('an abort ends it with the reason given', async () => {
  const reason = new Error('nobody waits');
  const aborting = new AbortController();
  const reading = readAtomicDocument(await manyPackets(), { signal: aborting.signal });
  aborting.abort(reason);
  await expect(reading).rejects.toBe(reason);
});
