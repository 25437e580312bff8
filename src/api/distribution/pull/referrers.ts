import type { FastifyReply } from 'fastify';
import { readReferrerPage, readServedManifest } from '../../../db/reads/read-served.ts';
import type { ReferrerRow } from '../../../db/reads/read-served.ts';
import type { Digest } from '../../../oci/digest.ts';
import { isTidemarkError } from '../../../oci/error.ts';
import { mediaTypes } from '../../../oci/manifest/media-type.ts';
import type { Exchange } from '../exchange.ts';
import type { ServedVersion } from '../served-version.ts';
import { clientPath, sendJson } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import { nextLink } from './paging.ts';
import { requireVerified } from './require-verified.ts';

const pageRows = 100;
/** Clients read a list of referrers like a manifest; most accept 4 MiB. */
const pageMaxBytes = 2 * 1024 * 1024;

/** distribution-spec, "Listing Referrers": an index of the manifests with this subject; empty if there are none. */
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
    reply.header('link', nextLink(`${clientPath(exchange, name)}/referrers/${digest}`, { ...filter, last }));
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: rows.map(toDescriptor) };
  return sendJson(exchange, index, mediaTypes.ociIndex);
}

/** For an unknown name: an empty version, because clients take a 404 for a missing referrers API. */
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
 * Referrers of an absent subject are listed (distribution-spec, "Pushing Manifests with Subject"), except under a policy: an absent subject
 * cannot be verified.
 * @throws TidemarkError `DENIED` if the subject exists and is not verified
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

/** "The annotations of the referrer MUST be included". The image-spec allows only text values. */
function readAnnotations(raw: Buffer): Record<string, string> | undefined {
  const document = JSON.parse(raw.toString('utf8')) as { readonly annotations?: unknown };
  const { annotations } = document;
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  const texts = Object.entries(annotations).filter(([, value]) => typeof value === 'string');
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}
