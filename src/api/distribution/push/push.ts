import type { FastifyReply } from 'fastify';
import { quoteValue } from '../../../oci/error.ts';
import type { ApiDependencies } from '../../dependencies.ts';
import { deleteBlob, deleteManifestOrTag } from '../delete.ts';
import { refuse } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import type { DistributionPath } from '../parse-path.ts';
import { putManifest } from './put-manifest.ts';
import { beginUpload, cancelUpload, finishUpload, patchUpload, showUpload } from './uploads.ts';

/** What pushing needs beside what pulling does. */
export interface Push {
  readonly uploads: ApiDependencies['uploads'];
  readonly manifestMaxBytes: number;
  /** One request at a time writes to an upload, over all processes. */
  alone<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** While this runs, no clean-up takes what it names; other pushes do not wait for it: that would tell of them. */
  guarded<T>(key: string, work: () => Promise<T>): Promise<T>;
}

type Answer = FastifyReply | Promise<FastifyReply>;

/** Whether a request is answered here: it writes, or is about an upload. */
export function isPush(method: string, { resource }: DistributionPath): boolean {
  return resource === 'upload' || (method !== 'GET' && method !== 'HEAD');
}

/** Everything that changes a repository (distribution-spec, "Push", "Content Management"). */
export function answerPush(exchange: Exchange, push: Push, path: DistributionPath): Answer {
  const { method, headers } = exchange.request;
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity')
    throw refuse(
      'UNSUPPORTED',
      `The body has the Content-Encoding ${quoteValue(coding)}; expected it as it is.`,
      415,
    );
  const answers = answersFor(exchange, push, path);
  const answer = answers[method];
  if (answer !== undefined) return answer();
  const allowed = [...(path.resource === 'upload' ? [] : ['GET', 'HEAD']), ...Object.keys(answers)].join(
    ', ',
  );
  exchange.reply.header('allow', allowed);
  throw refuse('UNSUPPORTED', `${method} is not for this address; those that are: ${allowed}.`);
}

function answersFor(
  exchange: Exchange,
  push: Push,
  path: DistributionPath,
): Readonly<Record<string, () => Answer>> {
  switch (path.resource) {
    case 'upload':
      return path.id === ''
        ? { POST: () => beginUpload(exchange, push, path) }
        : {
            GET: () => showUpload(exchange, push, path),
            PATCH: () => patchUpload(exchange, push, path),
            PUT: () => finishUpload(exchange, push, path),
            DELETE: () => cancelUpload(exchange, push, path),
          };
    case 'manifest':
      return {
        PUT: () => putManifest(exchange, push, path),
        DELETE: () => deleteManifestOrTag(exchange, path),
      };
    case 'blob':
      return { DELETE: () => deleteBlob(exchange, path) };
    case 'base':
    case 'catalog':
    case 'tags':
    case 'referrers':
    case 'signatures':
      return {};
  }
}
