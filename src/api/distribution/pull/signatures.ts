import type { FastifyReply } from 'fastify';
import { readServedSignatures } from '../../../db/reads/read-signatures.ts';
import type { Digest } from '../../../oci/digest.ts';
import type { Exchange } from '../exchange.ts';
import { sendJson } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';

/** Clients read at most 4 MiB of this list, base64 included; further signatures are omitted. */
const listMaxBytes = 3_000_000;

/**
 * The "X-Registry-Supports-Signatures" API extension of containers/image, read-only: the atomic signatures of a manifest in the served
 * version, which may be none.
 */
export async function answerSignatures(
  exchange: Exchange,
  { name, digest }: { readonly name: string; readonly digest: Digest },
): Promise<FastifyReply> {
  const version = await findServedVersion(exchange, name);
  const rows = await readServedSignatures(exchange.em, version, digest, listMaxBytes);
  const signatures = rows.map((row) => ({
    schemaVersion: 2,
    name: row.name,
    type: 'atomic',
    content: row.content.toString('base64'),
  }));
  return sendJson(exchange, { signatures });
}
