import type { FastifyReply } from 'fastify';
import { readServedManifest } from '../../../db/reads/read-served.ts';
import { readServedSignatures } from '../../../db/reads/read-signatures.ts';
import type { Digest } from '../../../oci/digest.ts';
import type { Exchange } from '../exchange.ts';
import { sendJson } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import type { ServedVersion } from '../served-version.ts';
import { serveFromAny } from './kept-versions.ts';

/** Clients read at most 4 MiB of this list, base64 included; further signatures are omitted. */
const listMaxBytes = 3_000_000;

/**
 * The "X-Registry-Supports-Signatures" API extension of containers/image, read-only: the atomic signatures of a manifest, which may be
 * none.
 */
export async function answerSignatures(
  exchange: Exchange,
  { name, digest }: { readonly name: string; readonly digest: Digest },
): Promise<FastifyReply> {
  const version = await findServedVersion(exchange, name);
  const isIn = async (candidate: ServedVersion) =>
    (await readServedManifest(exchange.em, candidate, { reference: { digest }, withDocument: false })) &&
    candidate;
  const source = (await serveFromAny(exchange, version, { digest }, isIn)) ?? version;
  const rows = await readServedSignatures(exchange.em, source, digest, listMaxBytes);
  const signatures = rows.map((row) => ({
    schemaVersion: 2,
    name: row.name,
    type: 'atomic',
    content: row.content.toString('base64'),
  }));
  return sendJson(exchange, { signatures });
}
