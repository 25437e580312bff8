import type { ServerResponse } from 'node:http';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { blob } from './fake-upstream.ts';
import type { Answer } from './fake-upstream.ts';

/** Serves a sample repository from a fake upstream, as its fallback: whatever the script does not break is right. */
export function sampleAnswers(repository: SampleRepository): Answer {
  return async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const [, resource = '', reference = ''] = /\/(tags|manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
    if (resource === 'tags') return sendTags(response, repository);
    if (resource === 'manifests') {
      const digest = repository.tags.get(reference) ?? (reference as Digest);
      const document = repository.manifests.get(digest);
      if (document === undefined) return sendNothing(response);
      const etag = `"${digest}"`;
      if (request.headers['if-none-match'] === etag) {
        response.writeHead(304).end();
        return;
      }
      response.writeHead(200, {
        'content-type': document.mediaType,
        'docker-content-digest': digest,
        etag,
        'content-length': String(document.bytes.length),
      });
      response.end(request.method === 'HEAD' ? undefined : document.bytes);
      return;
    }
    const bytes = repository.blobs.get(reference as Digest);
    const answer = bytes && blob(bytes);
    if (typeof answer === 'function') await answer(request, response);
    else sendNothing(response);
  };
}

function sendTags(response: ServerResponse, repository: SampleRepository): void {
  const body = JSON.stringify({ name: 'sample', tags: [...repository.tags.keys()].sort() });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(body.length) });
  response.end(body);
}

function sendNothing(response: ServerResponse): void {
  const body = JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'not there' }] });
  response.writeHead(404, { 'content-type': 'application/json', 'content-length': String(body.length) });
  response.end(body);
}
