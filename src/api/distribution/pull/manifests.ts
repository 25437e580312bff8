import type { FastifyReply } from 'fastify';
import { readServedManifest } from '../../../db/reads/read-served.ts';
import type { ServedManifest } from '../../../db/reads/read-served.ts';
import { readAbsence } from '../../../db/reads/read-absences.ts';
import type { Absence } from '../../../db/reads/read-absences.ts';
import { isTidemarkError, quoteValue } from '../../../oci/error.ts';
import { isAcceptable, isNamed } from './accept.ts';
import { refuse, refuseUpstream } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import type { ServedVersion } from '../served-version.ts';
import { nameContent } from '../exchange.ts';
import { findServedVersion } from '../served-version.ts';
import type { ManifestReference } from '../parse-path.ts';
import { refuseUnverified, requireVerified } from './require-verified.ts';

interface ManifestPath {
  readonly name: string;
  readonly reference: ManifestReference;
}

/** distribution-spec, "Pulling manifests": the exact bytes with their media type, never converted. */
export async function answerManifest(exchange: Exchange, path: ManifestPath): Promise<FastifyReply> {
  const { request, reply, em } = exchange;
  const accepts = (mediaType: string) => isNamed(request.headers.accept, mediaType);
  const wish = { reference: path.reference, withDocument: request.method === 'GET', accepts };
  let version = await findServedVersion(exchange, path.name);
  let manifest = await readServedManifest(em, version, wish);
  if (manifest === undefined) {
    const absence = await readAbsence(em, version, path.reference);
    // what the remote leaves out is not asked for
    const isAsked = absence?.kind !== 'BY_RULE';
    if (!isAsked || !(await pullThrough(exchange, version, path))) throw unknown(path, absence);
    version = await findServedVersion(exchange, path.name);
    manifest = await readServedManifest(em, version, wish);
  }
  if (manifest === undefined) throw unknown(path);
  // Signing an image begins with its manifest, by digest. Its layers stay refused.
  if ('tag' in path.reference || !version.maySign) await requireSigned(exchange, version, path);
  if ('tag' in path.reference) checkAccept(exchange, manifest, path.reference.tag);
  reply.header('vary', 'accept');
  if (nameContent(exchange, manifest.digest).isKnown) return reply.code(304).send();
  reply.headers({ 'content-type': manifest.mediaType, 'content-length': manifest.sizeBytes });
  if (request.method === 'GET')
    exchange.api.pulls.count({ repositoryId: version.repositoryId, pulls: 1, bytes: manifest.sizeBytes });
  return reply.send(manifest.raw ?? undefined);
}

/** An image that was pulled through before the policy, or before it was signed, lacks its signatures. They are looked up once more. */
async function requireSigned(exchange: Exchange, version: ServedVersion, path: ManifestPath): Promise<void> {
  try {
    await requireVerified(exchange, version, path.reference);
  } catch (error) {
    const isDenied = isTidemarkError(error) && error.code === 'DENIED';
    if (!isDenied || !(await pullThrough(exchange, version, path))) throw error;
    await requireVerified(exchange, await findServedVersion(exchange, path.name), path.reference);
  }
}

/**
 * Looks up a manifest at the remote of a pull-through distribution. @returns whether the latest version has it now.
 * @throws TidemarkError `DENIED` if the policy does not verify it; nothing was kept.
 */
async function pullThrough(
  exchange: Exchange,
  version: ServedVersion,
  { name, reference }: ManifestPath,
): Promise<boolean> {
  const { repositoryId, pullThroughRemoteId: remoteId, policies } = version;
  if (remoteId === null) return false;
  const outcome = await ask(exchange, { repositoryId, remoteId, reference, policies }, name);
  if (outcome.kind === 'kept') return true;
  if (outcome.kind === 'absent' && outcome.reason === undefined) return false;
  if (outcome.kind === 'absent')
    throw refuse(
      'MANIFEST_UNKNOWN',
      `The repository ${quoteValue(name)} does not have ${describe(reference)}: ${outcome.reason}.`,
    );
  throw refuseUnverified(exchange, reference, { ...outcome, isOver: outcome.kind === 'out-of-time' });
}

async function ask(
  { api }: Exchange,
  missing: Parameters<Exchange['api']['upstreams']['pullManifest']>[0],
  name: string,
): ReturnType<Exchange['api']['upstreams']['pullManifest']> {
  try {
    return await api.upstreams.pullManifest(missing);
  } catch (error) {
    const { reference } = missing;
    const what = 'tag' in reference ? describe(reference) : reference.digest;
    throw refuseUpstream(
      `The repository ${quoteValue(name)} does not have ${what}, and its upstream cannot be reached now.`,
      error,
    );
  }
}

function describe(reference: ManifestReference): string {
  return 'tag' in reference ? `the tag ${quoteValue(reference.tag)}` : `the manifest ${reference.digest}`;
}

function unknown({ name, reference }: ManifestPath, absence?: Absence): Error {
  const why = absence === undefined ? '' : ` ${explainAbsence(absence)}`;
  return refuse(
    'MANIFEST_UNKNOWN',
    `The repository ${quoteValue(name)} does not have ${describe(reference)}.${why}`,
  );
}

/** Content that is absent on purpose is told from lost content. */
function explainAbsence({ kind, parentDigest, platforms }: Absence): string {
  switch (kind) {
    case 'LOST':
      return 'It has been lost on this server; syncing the repository again fetches it.';
    case 'UPSTREAM':
      return `It is absent upstream: the index ${parentDigest} lists it, and the last sync got 404 for it.`;
    case 'BY_RULE':
      return platforms === null
        ? `It is absent by rule: the index ${parentDigest} was synced without its platform.`
        : `It is absent by rule: the remote takes only ${platforms.join(', ')}. The index ${parentDigest} lists it.`;
  }
}

/** Only a tag is refused by Accept: a digest names exact bytes (fault 78). */
function checkAccept({ request }: Exchange, { mediaType }: ServedManifest, tag: string): void {
  if (isAcceptable(request.headers.accept, mediaType)) return;
  throw refuse(
    'MANIFEST_UNKNOWN',
    `The tag ${quoteValue(tag)} is a ${mediaType}, which the request's Accept excludes; manifests are not converted.`,
  );
}
