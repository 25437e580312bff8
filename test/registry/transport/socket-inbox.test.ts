import { expect, test } from 'vitest';
import { receiveCopied, receiveViews } from '../../../src/registry/transport/sockets/socket-inbox.ts';

test('the memory of a closed inbox is reused by the next one only', () => {
  const first = receiveViews(4_096);
  first.release();
  const second = receiveViews(4_096);
  expect(second.buffer.buffer).toBe(first.buffer.buffer);
  expect(receiveViews(4_096).buffer.buffer).not.toBe(first.buffer.buffer);
  expect(receiveViews(8_192).buffer.byteLength).toBe(8_192);
});

test('an inbox that was not left keeps its memory to itself', async () => {
  const first = receiveCopied(4_096);
  first.buffer.set(Buffer.from('abc'));
  first.receive(3, first.buffer);
  const bytes = await first.next();
  const second = receiveCopied(4_096);
  second.buffer.set(Buffer.from('xyz'));
  second.receive(3, second.buffer);
  await second.next();
  expect(Buffer.from(bytes ?? []).toString()).toBe('abc');
});
