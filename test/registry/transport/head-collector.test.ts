import { describe, expect, test } from 'vitest';
import { collectHead } from '../../../src/registry/transport/sockets/head-collector.ts';
import { headMaxBytes } from '../../../src/registry/transport/sockets/http-head.ts';
import { allowStalls } from '../../support/watch/allow-stalls.ts';

allowStalls(1_000, 'the heads are cut into single bytes on this thread');

const end = '\r\n\r\n';

/** The heads and what follows the last one, with the bytes cut into pieces of this size. */
function collect(text: string, pieceBytes: number): { heads: string[]; rest: string } {
  const collector = collectHead();
  const heads: string[] = [];
  let last: Uint8Array = Buffer.alloc(0);
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    let chunk: Uint8Array = bytes.subarray(at, at + pieceBytes);
    for (let found = collector.take(chunk); found !== undefined; found = collector.take(chunk)) {
      heads.push(Buffer.from(found.bytes).toString('latin1'));
      chunk = found.rest;
      if (chunk.length === 0) break;
    }
    last = chunk;
  }
  const rest = Buffer.from(last).toString('latin1');
  return { heads, rest };
}

describe.each([1, 2, 3, 5, 7, 1_000])('in pieces of %i bytes', (pieceBytes) => {
  test('heads are found wherever they are cut', () => {
    const { heads, rest } = collect(`one\r\ntwo${end}three${end}`, pieceBytes);
    expect([heads, rest]).toEqual([['one\r\ntwo', 'three'], '']);
  });

  test('a head as long as the limit is taken, one byte more is refused', () => {
    const most = 'x'.repeat(headMaxBytes);
    expect(collect(`${most}${end}`, pieceBytes).heads).toEqual([most]);
    expect(() => collect(`x${most}${end}`, pieceBytes)).toThrow('not HTTP');
    expect(() => collect(`x${most}xxxx`, pieceBytes)).toThrow('not HTTP');
  });

  test('the limit counts the heads before the answer too', () => {
    const third = 'x'.repeat(Math.ceil(headMaxBytes / 3) + 1);
    expect(() => collect(`${third}${end}`.repeat(3), pieceBytes)).toThrow('not HTTP');
  });
});

test('bytes after the head are the body', () => {
  const found = collectHead().take(Buffer.from(`head${end}body`));
  expect([Buffer.from(found?.bytes ?? []).toString(), Buffer.from(found?.rest ?? []).toString()]).toEqual([
    'head',
    'body',
  ]);
});
