import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { readServedBlob } from '../../db/read-served.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ContentKey } from '../../oci/content-source.ts';
import { isTidemarkError, quoteValue } from '../../oci/error.ts';
import { refuse } from './error.ts';
import type { Exchange } from './exchange.ts';
import { findServedVersion, nameContent } from './exchange.ts';
import type { ByteRange } from './range.ts';
import { isRangeCurrent, parseRange } from './range.ts';
import { sendBody } from './send-body.ts';

interface BlobPath {
  readonly name: string;
  readonly digest: Digest;
}

/** distribution-spec, "Pulling blobs": whole or in part, only those of the served version (FAULTS 75). */
export async function answerBlob(exchange: Exchange, path: BlobPath): Promise<FastifyReply> {
  const { request, reply, em } = exchange;
  const blob = await readServedBlob(em, await findServedVersion(exchange, path.name), path.digest);
  if (blob === undefined) throw unknown(path);
  const descriptor: ContentKey = {
    digest: blob.digest,
    size: blob.sizeBytes,
    mediaType: 'application/octet-stream',
  };
  const { isKnown } = nameContent(exchange, blob.digest);
  reply.header('accept-ranges', 'bytes');
  if (isKnown) return reply.code(304).send();
  if (request.method === 'HEAD') {
    if (!(await exchange.api.blobs.exists(descriptor))) throw lost(exchange, path);
    return reply.headers(bodyHeaders(blob.sizeBytes)).send();
  }
  if (exchange.api.blobs.signUrl !== undefined) return redirect(exchange, path, descriptor);
  const range = isRangeCurrent(request.headers['if-range'], blob.digest)
    ? parseRange(request.headers.range, blob.sizeBytes)
    : 'whole';
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${blob.sizeBytes}`);
    throw refuse(
      'RANGE_INVALID',
      `The blob has ${blob.sizeBytes} bytes; the range ${quoteValue(request.headers.range)} begins beyond them.`,
    );
  }
  return send(exchange, path, descriptor, range);
}

/** distribution-spec, "Pulling blobs": a 307 to where the bytes are; looked for first, so that a lost one is this registry's 404. */
async function redirect(exchange: Exchange, path: BlobPath, descriptor: ContentKey): Promise<FastifyReply> {
  const { reply, api } = exchange;
  if (!(await api.blobs.exists(descriptor))) throw lost(exchange, path);
  const location = await api.blobs.signUrl?.(descriptor);
  // the address is good for minutes, and for whoever has it
  return reply.code(307).headers({ location, 'cache-control': 'no-store', 'content-length': 0 }).send();
}

async function send(
  exchange: Exchange,
  path: BlobPath,
  descriptor: ContentKey,
  range: ByteRange | 'whole',
): Promise<FastifyReply> {
  const { reply, api } = exchange;
  const part = range === 'whole' ? { start: 0, lengthBytes: descriptor.size } : range;
  const begin = () => {
    reply.headers(bodyHeaders(part.lengthBytes));
    if (range !== 'whole')
      reply.header(
        'content-range',
        `bytes ${part.start}-${part.start + part.lengthBytes - 1}/${descriptor.size}`,
      );
    reply.hijack();
    reply.raw.writeHead(range === 'whole' ? 200 : 206, reply.getHeaders() as OutgoingHttpHeaders);
  };
  try {
    await sendBody(reply.raw, api.blobs, { descriptor, range: part, begin });
  } catch (error) {
    if (isTidemarkError(error) && error.code === 'CONTENT_UNKNOWN') {
      const failure = lost(exchange, path, error);
      if (!reply.sent) throw failure;
    } else if (reply.sent) api.logger.error({ err: error, digest: path.digest }, 'sending a blob broke off');
    else throw error;
  }
  return reply;
}

function bodyHeaders(lengthBytes: number) {
  return { 'content-type': 'application/octet-stream', 'content-length': lengthBytes };
}

function unknown({ name, digest }: BlobPath): Error {
  return refuse('BLOB_UNKNOWN', `The repository ${quoteValue(name)} does not have the blob ${digest}.`);
}

/** The database says that it is stored, the store that it is not: an operator has to know (FAULTS 84). */
function lost({ api, request }: Exchange, path: BlobPath, cause?: unknown): Error {
  api.logger.error(
    { err: cause, ...path, correlationId: request.id },
    'a stored blob is missing or damaged in the blob store; sync a repository that holds it',
  );
  return refuse(
    'BLOB_UNKNOWN',
    `The blob ${path.digest} has been lost on this server; syncing the repository again fetches it.`,
  );
}
