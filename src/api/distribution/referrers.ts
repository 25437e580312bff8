import type { FastifyReply } from 'fastify';
import { readReferrerPage, readServedManifest } from '../../db/reads/read-served.ts';
import type { ReferrerRow } from '../../db/reads/read-served.ts';
import type { Digest } from '../../oci/digest.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { mediaTypes } from '../../oci/manifest/media-type.ts';
import type { Exchange, ServedVersion } from './exchange.ts';
import { findServedVersion, sendJson } from './exchange.ts';
import { nextLink } from './paging.ts';
import { requireVerified } from './require-verified.ts';

const pageRows = 100;
/** Clients read lists of referrers as they read manifests: most take 4 MiB. */
const pageMaxBytes = 2 * 1024 * 1024;

/** distribution-spec, "Listing Referrers": an index of the manifests with this subject; where there is none, an empty one. */
export async function answerReferrers(
  exchange: Exchange,
  { name, digest }: { readonly name: string; readonly digest: Digest },
): Promise<FastifyReply> {
  const { query, reply, em } = exchange;
  const version = await findVersion(exchange, name);
  const isEmpty = !(await mayList(exchange, version, digest));
  const artifactType = query.get('artifactType') ?? undefined;
  const page = {
    subject: digest,
    artifactType,
    first: pageRows,
    maxBytes: pageMaxBytes,
    after: query.get('last') ?? undefined,
  };
  const { rows, hasNext } = isEmpty
    ? { rows: [], hasNext: false }
    : await readReferrerPage(em, version, page);
  const filter = artifactType === undefined ? {} : { artifactType };
  if (artifactType !== undefined) reply.header('oci-filters-applied', 'artifactType');
  const last = rows.at(-1)?.digest;
  if (hasNext && last !== undefined)
    reply.header('link', nextLink(`/v2/${name}/referrers/${digest}`, { ...filter, last }));
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: rows.map(toDescriptor) };
  return sendJson(exchange, index, mediaTypes.ociIndex);
}

/** A 404 would tell clients that referrers are not served here at all: where nothing has the name, nothing refers to anything. */
async function findVersion(exchange: Exchange, name: string): Promise<ServedVersion> {
  try {
    return await findServedVersion(exchange, name);
  } catch (error) {
    if (isTidemarkError(error) && error.code === 'NAME_UNKNOWN')
      return { repositoryId: 0, number: 0, pullThroughRemoteId: null, policies: [], maySign: false };
    throw error;
  }
}

/**
 * Referrers may come before their subject (distribution-spec, "Pushing Manifests with Subject"), and are listed then. Under a policy nothing
 * verifies an absent subject, so that nothing which refers to it is let out: the list is empty, as of a subject without referrers.
 * @throws TidemarkError `DENIED` for a subject that is there and is not verified
 */
async function mayList(exchange: Exchange, version: ServedVersion, digest: Digest): Promise<boolean> {
  if (version.policies.length === 0) return true;
  const wish = { reference: { digest }, withDocument: false };
  const subject = await readServedManifest(exchange.em, version, wish);
  if (subject === undefined) return false;
  if (!version.maySign) await requireVerified(exchange, version, { digest });
  return true;
}

function toDescriptor({ digest, mediaType, artifactType, sizeBytes, raw }: ReferrerRow): object {
  const annotations = readAnnotations(raw);
  return {
    mediaType,
    digest,
    size: sizeBytes,
    ...(artifactType === null ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** "The annotations of the referrer MUST be included"; those that are text, as the image-spec has them. */
function readAnnotations(raw: Buffer): Record<string, string> | undefined {
  const document = JSON.parse(raw.toString('utf8')) as { readonly annotations?: unknown };
  const { annotations } = document;
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  const texts = Object.entries(annotations).filter(([, value]) => typeof value === 'string');
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}
