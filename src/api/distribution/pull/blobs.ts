import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { isBlobStored, readServedBlob } from '../../../db/reads/read-served.ts';
import type { ServedBlob } from '../../../db/reads/read-served.ts';
import type { Digest } from '../../../oci/digest.ts';
import type { ContentKey, ContentSource } from '../../../oci/content-source.ts';
import { isTidemarkError, quoteValue } from '../../../oci/error.ts';
import { refuse, refuseUpstream } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import { nameContent } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import { serveFromAny } from './kept-versions.ts';
import type { ByteRange } from './range.ts';
import { isRangeCurrent, parseRange } from './range.ts';
import { requireVerified } from './require-verified.ts';
import { sendBody } from './send-body.ts';

interface BlobPath {
  readonly name: string;
  readonly digest: Digest;
}

/**
 * distribution-spec, "Pulling blobs": whole or in part, only blobs of the repository's versions (fault 75). A blob that is not stored is fetched from
 * its remote; HEAD contacts no remote.
 */
export async function answerBlob(exchange: Exchange, path: BlobPath): Promise<FastifyReply> {
  const { request, reply, em, api } = exchange;
  const version = await findServedVersion(exchange, path.name);
  const content = { blob: path.digest };
  const blob = await serveFromAny(exchange, version, content, async (candidate) => {
    const found = await readServedBlob(em, candidate, path.digest);
    if (found?.isReferenced === true) await requireVerified(exchange, candidate, content);
    return found;
  });
  if (blob === undefined) throw unknown(path);
  const { isKnown } = nameContent(exchange, blob.digest);
  reply.header('accept-ranges', 'bytes');
  if (isKnown) return reply.code(304).send();
  const descriptor = describe(blob);
  if (blob.isStored && blob.hasSource)
    api.pulls.use({ repositoryId: version.repositoryId, digest: blob.digest });
  if (request.method === 'HEAD') {
    if (!blob.hasSource && !(await api.blobs.exists(descriptor))) throw lost(exchange, path);
    return reply.headers(bodyHeaders(blob.sizeBytes)).send();
  }
  if (api.blobs.signUrl !== undefined && blob.isStored) {
    const redirected = await redirect(exchange, descriptor);
    if (redirected !== undefined) return redirected;
  }
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
  return send(exchange, path, { blob, range, repositoryId: version.repositoryId });
}

interface BlobToSend {
  readonly blob: ServedBlob;
  readonly range: ByteRange | 'whole';
  readonly repositoryId: number;
}

/** distribution-spec, "Pulling blobs": a 307 to the bucket. Undefined for a lost blob, so that no client is redirected to it. */
async function redirect(exchange: Exchange, descriptor: ContentKey): Promise<FastifyReply | undefined> {
  const { reply, api } = exchange;
  if (!(await api.blobs.exists(descriptor))) return undefined;
  const location = await api.blobs.signUrl?.(descriptor);
  // The URL is valid for minutes, for anyone.
  return reply.code(307).headers({ location, 'cache-control': 'no-store', 'content-length': 0 }).send();
}

async function send(exchange: Exchange, path: BlobPath, wish: BlobToSend): Promise<FastifyReply> {
  const { reply, api } = exchange;
  try {
    if (!wish.blob.isStored || !(await sendStored(exchange, path, wish)))
      await sendFromUpstream(exchange, path, wish);
  } catch (error) {
    if (!reply.sent) throw error;
    api.logger.error({ err: error, repository: path.name, digest: path.digest }, 'sending a blob broke off');
  }
  return reply;
}

/** False if the blob was evicted or lost, and a remote can deliver it again. */
async function sendStored(exchange: Exchange, path: BlobPath, wish: BlobToSend): Promise<boolean> {
  try {
    await sendFrom(exchange.api.blobs, exchange, wish);
    return true;
  } catch (error) {
    if (!isTidemarkError(error) || error.code !== 'CONTENT_UNKNOWN') throw error;
    const { reply, em } = exchange;
    const isEvicted = wish.blob.hasSource && !(await isBlobStored(em, path.digest));
    const failure = isEvicted ? error : lost(exchange, path, error);
    if (reply.sent || !wish.blob.hasSource) throw failure;
    return false;
  }
}

/** A full cache may evict a layer between its download and the first read of a client that has joined it. */
const attemptsAtMost = 5;

async function sendFromUpstream(
  exchange: Exchange,
  path: BlobPath,
  wish: BlobToSend,
  attempt = 1,
): Promise<void> {
  const { digest } = path;
  const { repositoryId, blob } = wish;
  const { sizeBytes } = blob;
  try {
    const source = await exchange.api.upstreams.openBlob({ repositoryId, digest, sizeBytes });
    await sendFrom(source, exchange, wish);
  } catch (error) {
    const isEvicted = isTidemarkError(error) && error.code === 'CONTENT_UNKNOWN' && error.origin === 'server';
    if (isEvicted && !exchange.reply.sent && attempt < attemptsAtMost)
      return sendFromUpstream(exchange, path, wish, attempt + 1);
    throw refuseUpstream(
      `The blob ${digest} is not stored here, and its upstream cannot deliver it now.`,
      error,
    );
  }
}

async function sendFrom(
  source: ContentSource,
  { reply, api }: Exchange,
  { blob, range, repositoryId }: BlobToSend,
): Promise<void> {
  const part = range === 'whole' ? { start: 0, lengthBytes: blob.sizeBytes } : range;
  const begin = () => {
    reply.headers(bodyHeaders(part.lengthBytes));
    if (range !== 'whole')
      reply.header(
        'content-range',
        `bytes ${part.start}-${part.start + part.lengthBytes - 1}/${blob.sizeBytes}`,
      );
    reply.hijack();
    reply.raw.writeHead(range === 'whole' ? 200 : 206, reply.getHeaders() as OutgoingHttpHeaders);
  };
  await sendBody(reply.raw, source, { descriptor: describe(blob), range: part, begin });
  api.pulls.count({ repositoryId, pulls: 0, bytes: part.lengthBytes });
}

function describe({ digest, sizeBytes }: ServedBlob): ContentKey {
  return { digest, size: sizeBytes, mediaType: 'application/octet-stream' };
}

function bodyHeaders(lengthBytes: number) {
  return { 'content-type': 'application/octet-stream', 'content-length': lengthBytes };
}

function unknown({ name, digest }: BlobPath): Error {
  return refuse('BLOB_UNKNOWN', `The repository ${quoteValue(name)} does not have the blob ${digest}.`);
}

/** The database and the blob store disagree: the operator must know (fault 84). */
function lost({ api, request }: Exchange, path: BlobPath, cause?: unknown): Error {
  api.logger.error(
    { err: cause, repository: path.name, digest: path.digest, correlationId: request.id },
    'a stored blob is missing or damaged in the blob store; sync a repository that holds it',
  );
  return refuse(
    'BLOB_UNKNOWN',
    `The blob ${path.digest} has been lost on this server; syncing the repository again fetches it.`,
  );
}
