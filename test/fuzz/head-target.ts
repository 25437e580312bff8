import { strict as assert } from 'node:assert';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { headMaxBytes, parseHead } from '../../src/registry/transport/sockets/http-head.ts';
import type { HttpHead } from '../../src/registry/transport/sockets/http-head.ts';
import type { FuzzTarget } from './target.ts';

/** What Node's own parser (llhttp) makes of these bytes; undefined where it refuses them. */
function readByNode(
  bytes: Buffer,
): Promise<{ status: number; headers: Record<string, string[]> } | undefined> {
  const connection = new Duplex({
    read() {},
    write: (_chunk, _encoding, done) => {
      done();
      connection.push(bytes);
      connection.push(null);
    },
  });
  return new Promise((resolve) => {
    const sent = request({
      createConnection: () => connection,
      maxHeaderSize: 2 * headMaxBytes,
      headers: { connection: 'close' },
    });
    const end = (answer: IncomingMessage | undefined): void => {
      resolve(
        answer === undefined
          ? undefined
          : { status: answer.statusCode ?? 0, headers: listed(answer.rawHeaders) },
      );
      sent.destroy();
    };
    sent.on('response', end);
    sent.on('error', () => end(undefined));
    sent.on('close', () => end(undefined));
    sent.end();
  });
}

function listed(rawHeaders: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (let at = 0; at < rawHeaders.length; at += 2)
    (headers[(rawHeaders[at] ?? '').toLowerCase()] ??= []).push(rawHeaders[at + 1] ?? '');
  return headers;
}

function ours({ headers }: HttpHead): Record<string, string[]> {
  const lists = Object.entries(headers).map(([name, value]): [string, string[]] => [
    name,
    typeof value === 'string' ? [value] : [...(value ?? [])],
  ]);
  return Object.assign(Object.create(null) as Record<string, string[]>, Object.fromEntries(lists));
}

export const headTarget: FuzzTarget = {
  name: 'head',
  dictionary: [
    'HTTP/1.1 200 OK', 'HTTP/1.0 404', '\r\n', '\n', '\r', ':', ' ', '\t', 'a: b', '\r\na: b', 'Content-Length: 5', '\r\ncontent-length:0',
    'Transfer-Encoding: chunked', 'Connection: close', ',', '\u0000', '\u007f', '\u00e9', ' x', '\r\n ', 'a :b',
  ], // prettier-ignore
  frames: [
    ['HTTP/1.1 200 OK\r\n', ''],
    ['HTTP/1.1 200 OK\r\na:', '\r\nb: c'],
    ['HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n', ''],
  ],
  parse: (input) => parseHead(Buffer.from(input, 'latin1')),
  async verify(input, outcome) {
    if ('error' in outcome) throw outcome.error;
    const head = outcome.value as HttpHead | undefined;
    if (head === undefined || head.status < 200 || input.includes('\r\n\r\n')) return;
    const known = await readByNode(Buffer.from(`${input}\r\n\r\n`, 'latin1'));
    // of two lengths, or none that can be read, we read no body either
    if (known === undefined) {
      const hasNoBody = head.bodyBytes === undefined || head.status === 204 || head.status === 304;
      assert(hasNoBody, 'a head that llhttp refuses');
      return;
    }
    assert.equal(head.status, known.status);
    assert.deepEqual(ours(head), known.headers);
  },
};
