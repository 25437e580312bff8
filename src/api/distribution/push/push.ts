import type { FastifyReply } from 'fastify';
import { quoteValue } from '../../../oci/error.ts';
import { deleteBlob, deleteManifestOrTag } from './delete.ts';
import { refuse } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import type { DistributionPath } from '../parse-path.ts';
import { putManifest } from './put-manifest.ts';
import { beginUpload, cancelUpload, finishUpload, patchUpload, showUpload } from './uploads.ts';

type Answer = FastifyReply | Promise<FastifyReply>;

/** Whether a request writes, or concerns an upload. */
export function isPush(method: string, { resource }: DistributionPath): boolean {
  return resource === 'upload' || (method !== 'GET' && method !== 'HEAD');
}

/** Answers all requests that change a repository (distribution-spec, "Push", "Content Management"). */
export function answerPush(exchange: Exchange): Answer {
  const { path } = exchange;
  const { method, headers } = exchange.request;
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity')
    throw refuse(
      'UNSUPPORTED',
      `The body has the Content-Encoding ${quoteValue(coding)}; expected it as it is.`,
      415,
    );
  const answers = answersFor(exchange);
  const answer = answers[method];
  if (answer !== undefined) return answer();
  const allowed = [...(path.resource === 'upload' ? [] : ['GET', 'HEAD']), ...Object.keys(answers)].join(
    ', ',
  );
  exchange.reply.header('allow', allowed);
  throw refuse('UNSUPPORTED', `${method} is not for this address; those that are: ${allowed}.`);
}

function answersFor(exchange: Exchange): Readonly<Record<string, () => Answer>> {
  const { path } = exchange;
  switch (path.resource) {
    case 'upload':
      return path.id === ''
        ? { POST: () => beginUpload(exchange, path) }
        : {
            GET: () => showUpload(exchange, path),
            PATCH: () => patchUpload(exchange, path),
            PUT: () => finishUpload(exchange, path),
            DELETE: () => cancelUpload(exchange, path),
          };
    case 'manifest':
      return {
        PUT: () => putManifest(exchange, path),
        DELETE: () => deleteManifestOrTag(exchange, path),
      };
    case 'blob':
      return { DELETE: () => deleteBlob(exchange, path) };
    case 'base':
    case 'catalog':
    case 'tags':
    case 'tag digests':
    case 'tag changes':
    case 'referrers':
    case 'signatures':
      return {};
  }
}
