/** An upstream that answers some requests wrongly, each kind as registries and proxies do. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { hang, json, reset } from './fake-upstream.ts';
import type { Answer, CannedAnswer } from './fake-upstream.ts';

const page: CannedAnswer = { headers: { 'content-type': 'text/html' }, body: '<html>log in</html>' };
const indexType = { 'content-type': mediaTypes.ociIndex };

/** By name, so that a run says what was wrong. */
export const wrongAnswers: Readonly<Record<string, Answer>> = {
  '200, a web page': page,
  '200, nothing': { body: '' },
  '200, {}': json({}),
  '200, half of a document': { headers: indexType, body: '{"schemaVersion":2,"manifests":[' },
  '200, an index of nothing': json(
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] },
    indexType,
  ),
  '200, no tags': json({ name: 'sample', tags: [] }),
  '200, no signatures': json({ signatures: null }),
  '200, tags: null': json({ name: 'sample', tags: null }),
  '301': { status: 301, headers: { location: '/elsewhere' } },
  '301 in a circle': (request, response) => {
    response.writeHead(301, { location: request.url ?? '/', 'content-length': '0' }).end();
  },
  '401': { status: 401 },
  '401 with Basic': { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
  '403': json({ errors: [{ code: 'DENIED' }] }, {}, 403),
  '404': json({ errors: [{ code: 'NOT_FOUND' }] }, {}, 404),
  '404 in text': { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' },
  '405': { status: 405 },
  '429': { status: 429 },
  '429 with Retry-After': { status: 429, headers: { 'retry-after': '1800' } },
  '500': { status: 500 },
  '503': { status: 503, headers: { 'content-type': 'text/html' }, body: '<html>' },
  reset,
  'no answer': hang,
};

/** Those that say that there is nothing. */
export const absences: ReadonlySet<string> = new Set(['200, no signatures', '301', '404', '404 in text']);

export const wrongNames = Object.keys(wrongAnswers);

export async function give(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (typeof answer === 'function') return answer(request, response);
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status ?? 200, { 'content-length': String(body.length), ...answer.headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}
