import { randomUUID } from 'node:crypto';
import { clientMay } from '../../../access/registry-rights.ts';
import { callerKey } from '../../../access/viewer.ts';
import type { FastifyReply } from 'fastify';
import { makePushTarget, findPushTarget } from '../../../db/versions/push-target.ts';
import { resolveDistribution } from '../../../db/distributions/distributions.ts';
import { readServedBlob } from '../../../db/reads/read-served.ts';
import {
  closeUpload,
  linkBlob,
  openUpload,
  readOpenUpload,
  touchUpload,
} from '../../../db/content/uploads.ts';
import type { OpenUpload } from '../../../db/content/uploads.ts';
import { parseDigest } from '../../../oci/digest.ts';
import type { Digest } from '../../../oci/digest.ts';
import { quoteValue } from '../../../oci/error.ts';
import { isRepositoryName } from '../../../oci/reference.ts';
import { refuse } from '../error.ts';
import { clientPath } from '../exchange.ts';
import type { Exchange } from '../exchange.ts';
import { pushCaller } from '../served-version.ts';
import { discardBody, readBody, readContentRange } from './request-body.ts';
import type { ContentRange } from './request-body.ts';
import { completeUpload, storeUpload } from './store-upload.ts';
import type { UploadTarget } from './store-upload.ts';

/** Limits of open uploads, for all callers together and for each (fault 73). */
const caps = { maxOpen: 10_000, maxBytes: 1024 ** 4, maxOpenEach: 1_000, maxBytesEach: 1024 ** 4 / 4 };
/** While logins are off there is only one caller. */
const capsOfEverybody = { ...caps, maxOpenEach: caps.maxOpen, maxBytesEach: caps.maxBytes };

interface UploadPath {
  readonly name: string;
  readonly id: string;
}

/** `POST /v2/<name>/blobs/uploads/`: begins an upload, stores a whole blob (`digest`), or links one of another repository (`mount`, `from`). */
export async function beginUpload(exchange: Exchange, { name }: UploadPath): Promise<FastifyReply> {
  const { query, em, api } = exchange;
  const digest = readDigest(query, 'digest');
  const mount = readDigest(query, 'mount');
  const { repositoryId } = await makePushTarget(em, name, pushCaller(exchange, 'push'));
  if (mount !== undefined && (await mountBlob(exchange, { repositoryId, digest: mount })))
    return created(exchange, name, mount);
  const id = randomUUID();
  const { viewer } = exchange.client;
  const upload = { id, repositoryId, owner: callerKey(viewer) };
  await openUpload(em, upload, viewer.kind === 'everybody' ? capsOfEverybody : caps);
  await api.uploads.create(id);
  if (digest === undefined) return progress(exchange, 202, { name, id }, 0);
  try {
    return await write(exchange, { name, id, repositoryId }, digest);
  } catch (error) {
    // The client does not know the id.
    await api.uploads.cancel(id);
    await closeUpload(em, id);
    throw error;
  }
}

/** `PATCH`: appends a chunk at `Content-Range`, or the whole body without that header. */
export async function patchUpload(exchange: Exchange, path: UploadPath): Promise<FastifyReply> {
  const { repositoryId } = await findUpload(exchange, path);
  return write(exchange, { ...path, repositoryId }, undefined);
}

/**
 * `PUT`: appends the last chunk, if any, and stores the blob. If `digest` does not match, the upload stays. The same request again has the same
 * answer, also after a process was killed in the first one.
 */
export async function finishUpload(exchange: Exchange, path: UploadPath): Promise<FastifyReply> {
  const digest = readDigest(exchange.query, 'digest');
  if (digest === undefined)
    throw refuse(
      'DIGEST_INVALID',
      'The last request of an upload has no digest in its query; expected digest=sha256:….',
    );
  return write(exchange, await findTarget(exchange, path), digest);
}

/** `GET`: the progress. */
export async function showUpload(exchange: Exchange, path: UploadPath): Promise<FastifyReply> {
  const { verified } = await findUpload(exchange, path);
  const sizeBytes = (await exchange.api.uploads.sizeOf(path.id)) ?? verified?.sizeBytes;
  if (sizeBytes === undefined) throw unknown(path);
  return progress(exchange, 204, path, sizeBytes);
}

/** `DELETE`: removes the upload, even while another request writes to it. */
export async function cancelUpload(exchange: Exchange, path: UploadPath): Promise<FastifyReply> {
  await findUpload(exchange, path);
  await closeUpload(exchange.em, path.id);
  await exchange.api.uploads.cancel(path.id);
  return exchange.reply.code(204).send();
}

/** Appends the body and, with a digest, finishes. Holds the lock of the upload (fault 72). */
async function write(
  exchange: Exchange,
  upload: UploadPath & UploadTarget,
  digest: Digest | undefined,
): Promise<FastifyReply> {
  const { request, em, locks } = exchange;
  const { uploads } = exchange.api;
  const { id, name } = upload;
  const range = readContentRange(request);
  const expected = range?.start ?? (await uploads.sizeOf(id));
  return locks.alone(`upload ${id}`, async () => {
    const open = await readOpenUpload(em, upload);
    if (digest !== undefined && (await completeUpload(exchange, upload, { open, digest }))) {
      await discardBody(request);
      return created(exchange, name, digest);
    }
    const before = await uploads.sizeOf(id);
    // Finished or cancelled, perhaps while this request waited.
    if (before === undefined || open === undefined) throw unknown(upload);
    if (expected !== before) throw outOfOrder(exchange, upload, before, range);
    try {
      await uploads.append(id, readBody(request), digest !== undefined);
    } finally {
      // Also after an error: the client resumes from there.
      await touchUpload(em, id, (await uploads.sizeOf(id)) ?? 0);
    }
    if (digest === undefined) return progress(exchange, 202, upload, (await uploads.sizeOf(id)) ?? 0);
    await storeUpload(exchange, upload, digest);
    return created(exchange, name, digest);
  });
}

/** Where an upload of this id belongs, whether it is open or not. */
async function findTarget(exchange: Exchange, path: UploadPath): Promise<UploadPath & UploadTarget> {
  const { repositoryId } = await findPushTarget(exchange.em, path.name, pushCaller(exchange, 'push'));
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(path.id)) throw unknown(path);
  return { ...path, repositoryId };
}

async function findUpload(exchange: Exchange, path: UploadPath): Promise<UploadTarget & OpenUpload> {
  const target = await findTarget(exchange, path);
  const open = await readOpenUpload(exchange.em, target);
  if (open === undefined) throw unknown(path);
  return { ...target, ...open };
}

/**
 * Links a blob that another repository serves. If it is not served, or not to this caller, a normal upload begins: the answer reveals
 * nothing (fault 74).
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
  // A blob that is not stored is uploaded: its remote may be gone before a manifest refers to it.
  if ((await readServedBlob(em, version, digest))?.isStored !== true) return false;
  return linkBlob(em, { repositoryId, digest });
}

function readDigest(query: URLSearchParams, key: string): Digest | undefined {
  const text = query.get(key);
  return text === null ? undefined : parseDigest(text);
}

/** distribution-spec: "If the chunk is out of order, the response MUST be 416 Requested Range Not Satisfiable" (fault 70). */
function outOfOrder(
  exchange: Exchange,
  upload: UploadPath,
  sizeBytes: number,
  range: ContentRange | undefined,
): Error {
  nameUpload(exchange, upload, sizeBytes);
  const came =
    range === undefined ? 'Another request has written to it' : `The chunk begins at byte ${range.start}`;
  return refuse(
    'RANGE_INVALID',
    `${came}; the upload has ${sizeBytes} bytes, and the next chunk begins there.`,
  );
}

function progress(
  exchange: Exchange,
  status: 202 | 204,
  upload: UploadPath,
  sizeBytes: number,
): FastifyReply {
  nameUpload(exchange, upload, sizeBytes);
  return exchange.reply.code(status).send();
}

function nameUpload(exchange: Exchange, { name, id }: UploadPath, sizeBytes: number): void {
  exchange.reply.headers({
    location: `${clientPath(exchange, name)}/blobs/uploads/${id}`,
    // The position of the last byte. An empty upload has none; clients expect "0-0".
    range: `0-${Math.max(0, sizeBytes - 1)}`,
    'docker-upload-uuid': id,
  });
}

function created(exchange: Exchange, name: string, digest: Digest): FastifyReply {
  return exchange.reply
    .code(201)
    .headers({
      location: `${clientPath(exchange, name)}/blobs/${digest}`,
      'docker-content-digest': digest,
    })
    .send();
}

function unknown({ name, id }: UploadPath): Error {
  return refuse(
    'BLOB_UPLOAD_UNKNOWN',
    `The repository ${quoteValue(name)} has no upload ${quoteValue(id)}: it was finished, cancelled, or has expired. Begin a new one.`,
  );
}
