import { expect, test } from 'vitest';
import { createEventParser, readEvents } from '../../src/cli/event-stream.ts';

const stream =
  ':ping\n\nevent: next\ndata: {"a":"é"}\n\nevent:next\r\ndata:1\r\ndata: 2\r\nid: 7\r\n\r\ndata\n\nevent: complete\n\n';
const events = [
  { event: 'next', data: '{"a":"é"}' },
  { event: 'next', data: '1\n2' },
  { event: 'message', data: '' },
  { event: 'complete', data: '' },
];

test('reads events, comments and all ends of line', () => {
  expect(createEventParser().push(stream)).toEqual(events);
});

test('reads the same wherever the text is cut', () => {
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const parser = createEventParser();
    expect(
      [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))],
      `cut at ${cut}`,
    ).toEqual(events);
  }
});

test('reads the same byte by byte, through the middle of a character', async () => {
  const bytes = new TextEncoder().encode(stream);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const read = [];
  for await (const event of readEvents(body)) read.push(event);
  expect(read).toEqual(events);
});

test('an event without its empty line is not given out', () => {
  expect(createEventParser().push('data: 1\n')).toEqual([]);
});

test('an event without end is refused before it fills the memory', () => {
  const parser = createEventParser();
  const line = `data: ${'x'.repeat(1024 * 1024)}\n`;
  expect(() => {
    for (let count = 0; count < 6; count += 1) parser.push(line);
  }).toThrow(RangeError);
});
