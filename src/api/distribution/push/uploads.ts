import { randomUUID } from 'node:crypto';
import { clientMay } from '../../../access/registry-rights.ts';
import { callerKey } from '../../../access/viewer.ts';
import type { FastifyReply } from 'fastify';
import { makePushTarget, findPushTarget } from '../../../db/versions/push-target.ts';
import { resolveDistribution } from '../../../db/distributions/distributions.ts';
import { readServedBlob } from '../../../db/reads/read-served.ts';
import {
  closeUpload,
  isUploadOpen,
  linkBlob,
  openUpload,
  recordUploadedBlob,
  touchUpload,
  uploadedBlobLock,
} from '../../../db/content/uploads.ts';
import { parseDigest } from '../../../oci/digest.ts';
import type { Digest } from '../../../oci/digest.ts';
import { quoteValue } from '../../../oci/error.ts';
import { isRepositoryName } from '../../../oci/reference.ts';
import { refuse } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import { pushCaller } from '../exchange.ts';
import type { Push } from './push.ts';
import { contentLength, readBody } from './request-body.ts';

/** fault 73: what open uploads may take together. */
const caps = { maxOpen: 10_000, maxBytes: 1024 ** 4, maxOpenEach: 1_000, maxBytesEach: 1024 ** 4 / 4 };
/** While logins are off there is one caller, whom the limits of all bind. */
const capsOfEverybody = { ...caps, maxOpenEach: caps.maxOpen, maxBytesEach: caps.maxBytes };

interface UploadPath {
  readonly name: string;
  readonly id: string;
}

/** "POST /v2/<name>/blobs/uploads/": begins an upload, takes a whole blob (`digest`), or links one of another repository (`mount`, `from`). */
export async function beginUpload(
  exchange: Exchange,
  push: Push,
  { name }: UploadPath,
): Promise<FastifyReply> {
  const { query, em, reply } = exchange;
  const digest = readDigest(query, 'digest');
  const mount = readDigest(query, 'mount');
  const { repositoryId } = await makePushTarget(em, name, pushCaller(exchange, 'push'));
  if (mount !== undefined && (await mountBlob(exchange, { repositoryId, digest: mount })))
    return created(reply, name, mount);
  const id = randomUUID();
  const { viewer } = exchange.client;
  const upload = { id, repositoryId, owner: callerKey(viewer) };
  await openUpload(em, upload, viewer.kind === 'everybody' ? capsOfEverybody : caps);
  await push.uploads.create(id);
  if (digest === undefined) return progress(reply.code(202), { name, id }, 0);
  try {
    return await write(exchange, push, { name, id, repositoryId }, digest);
  } catch (error) {
    // the client was never told its name
    await push.uploads.cancel(id);
    await closeUpload(em, id);
    throw error;
  }
}

/** "PATCH": a chunk at `Content-Range`, or without one all that comes, at the end of what is there. */
export async function patchUpload(exchange: Exchange, push: Push, path: UploadPath): Promise<FastifyReply> {
  return write(exchange, push, { ...path, repositoryId: await findUpload(exchange, path) }, undefined);
}

/** "PUT": the last chunk, or nothing more; then the blob is what `digest` says, or it is refused and the upload stays. */
export async function finishUpload(exchange: Exchange, push: Push, path: UploadPath): Promise<FastifyReply> {
  const digest = readDigest(exchange.query, 'digest');
  if (digest === undefined)
    throw refuse(
      'DIGEST_INVALID',
      'The last request of an upload has no digest in its query; expected digest=sha256:….',
    );
  return write(exchange, push, { ...path, repositoryId: await findUpload(exchange, path) }, digest);
}

/** "GET": how far it is. */
export async function showUpload(
  exchange: Exchange,
  { uploads }: Push,
  path: UploadPath,
): Promise<FastifyReply> {
  await findUpload(exchange, path);
  const sizeBytes = await uploads.sizeOf(path.id);
  if (sizeBytes === undefined) throw unknown(path);
  return progress(exchange.reply.code(204), path, sizeBytes);
}

/** "DELETE": nothing of it stays. A request that is writing to it loses its file. */
export async function cancelUpload(
  exchange: Exchange,
  { uploads }: Push,
  path: UploadPath,
): Promise<FastifyReply> {
  await findUpload(exchange, path);
  await closeUpload(exchange.em, path.id);
  await uploads.cancel(path.id);
  return exchange.reply.code(204).send();
}

interface OpenUpload extends UploadPath {
  readonly repositoryId: number;
}

/** Appends the body and, with a digest, finishes; alone with the upload while it does (fault 72). */
async function write(
  exchange: Exchange,
  push: Push,
  upload: OpenUpload,
  digest: Digest | undefined,
): Promise<FastifyReply> {
  const { request, reply, em } = exchange;
  const { uploads } = push;
  const { id, name, repositoryId } = upload;
  const range = readContentRange(exchange);
  const expected = range?.start ?? (await uploads.sizeOf(id));
  return push.alone(`upload ${id}`, async () => {
    const before = await uploads.sizeOf(id);
    // finished or cancelled while this one waited
    if (before === undefined || !(await isUploadOpen(em, upload))) throw unknown(upload);
    if (expected !== before) throw outOfOrder(exchange, upload, before, range);
    try {
      await uploads.append(id, readBody(request));
    } finally {
      // of what broke off, too: it is resumed from there
      await touchUpload(em, id, (await uploads.sizeOf(id)) ?? 0);
    }
    if (digest === undefined) return progress(reply.code(202), upload, (await uploads.sizeOf(id)) ?? 0);
    // between the file and its row, a collection would take it for nobody's (fault 111)
    await push.guarded(uploadedBlobLock(digest), async () => {
      const { sizeBytes } = await uploads.finish(id, digest);
      await recordUploadedBlob(em, { uploadId: id, repositoryId, digest, sizeBytes });
    });
    return created(reply, name, digest);
  });
}

/** The repository that it goes to. */
async function findUpload(exchange: Exchange, path: UploadPath): Promise<number> {
  const { em } = exchange;
  const { repositoryId } = await findPushTarget(em, path.name, pushCaller(exchange, 'push'));
  const isId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(path.id);
  if (isId && (await isUploadOpen(em, { id: path.id, repositoryId }))) return repositoryId;
  throw unknown(path);
}

/**
 * Links a blob that another repository serves. Where it is not served, or not for this caller, the upload begins as if nothing had
 * been said: nobody learns what is where (fault 74).
 */
async function mountBlob(
  { em, query, client, api }: Exchange,
  { repositoryId, digest }: { readonly repositoryId: number; readonly digest: Digest },
): Promise<boolean> {
  const from = query.get('from') ?? '';
  const source = isRepositoryName(from) ? await resolveDistribution(em, from, api.access.isOn) : undefined;
  const isServed =
    source !== undefined && clientMay(client, 'pull', { name: from, isPrivate: source.isPrivate });
  if (!isServed || source.policies.length > 0) return false;
  const version = { repositoryId: source.repositoryId, number: source.version };
  // what is not stored is uploaded: the remote that has it may be gone by the time a manifest refers to it
  if ((await readServedBlob(em, version, digest))?.isStored !== true) return false;
  return linkBlob(em, { repositoryId, digest });
}

function readDigest(query: URLSearchParams, key: string): Digest | undefined {
  const text = query.get(key);
  return text === null ? undefined : parseDigest(text);
}

interface ContentRange {
  readonly start: number;
  readonly end: number;
}

/** "Content-Range: <start>-<end>", both inclusive; some clients write it as RFC 9110 has it. */
function readContentRange({ request }: Exchange): ContentRange | undefined {
  const header = request.headers['content-range'];
  if (header === undefined) return undefined;
  const match = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:\*|[0-9]+))?$/.exec(header);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  const length = contentLength(request.raw);
  const fits = match !== null && end >= start && (length === undefined || length === end - start + 1);
  if (fits) return { start, end };
  throw refuse(
    'SIZE_INVALID',
    `The Content-Range is ${quoteValue(header)} and the Content-Length ${length ?? 'absent'}; expected <first>-<last>, ` +
      'the positions of the first and the last byte sent.',
  );
}

/** distribution-spec: "If the chunk is out of order, the response MUST be 416 Requested Range Not Satisfiable" (fault 70). */
function outOfOrder(
  { reply }: Exchange,
  upload: UploadPath,
  sizeBytes: number,
  range: ContentRange | undefined,
): Error {
  nameUpload(reply, upload, sizeBytes);
  const came =
    range === undefined ? 'Another request has written to it' : `The chunk begins at byte ${range.start}`;
  return refuse('RANGE_INVALID', `${came}; the upload has ${sizeBytes} bytes, the next chunk begins there.`);
}

function progress(reply: FastifyReply, upload: UploadPath, sizeBytes: number): FastifyReply {
  nameUpload(reply, upload, sizeBytes);
  return reply.send();
}

function nameUpload(reply: FastifyReply, { name, id }: UploadPath, sizeBytes: number): void {
  reply.headers({
    location: `/v2/${name}/blobs/uploads/${id}`,
    // the position of the last byte; that there is none cannot be said, "0-0" is what clients take for it
    range: `0-${Math.max(0, sizeBytes - 1)}`,
    'docker-upload-uuid': id,
  });
}

function created(reply: FastifyReply, name: string, digest: Digest): FastifyReply {
  return reply
    .code(201)
    .headers({ location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest })
    .send();
}

function unknown({ name, id }: UploadPath): Error {
  return refuse(
    'BLOB_UPLOAD_UNKNOWN',
    `The repository ${quoteValue(name)} has no upload ${quoteValue(id)}: it was finished, cancelled, or has expired. Begin a new one.`,
  );
}
