import { readServedManifest } from '../../../db/reads/read-served.ts';
import type { ServedManifest } from '../../../db/reads/read-served.ts';
import { readAbsence } from '../../../db/reads/read-absences.ts';
import type { Absence } from '../../../db/reads/read-absences.ts';
import { quoteValue } from '../../../oci/error.ts';
import { isNamed } from './accept.ts';
import { refuse, refuseUpstream } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import type { ServedVersion } from '../served-version.ts';
import { findServedVersion } from '../served-version.ts';
import type { ManifestReference } from '../parse-path.ts';
import { isDenied, serveFromAny } from './kept-versions.ts';
import { refuseUnverified, requireVerified } from './require-verified.ts';

export interface ManifestPath {
  readonly name: string;
  readonly reference: ManifestReference;
}

export interface FoundManifest {
  readonly manifest: ServedManifest;
  readonly repositoryId: number;
}

/**
 * The manifest of a path: of the served version, by digest also of another kept one, and with pull-through of the remote.
 * @throws TidemarkError `MANIFEST_UNKNOWN`, `DENIED`, `UNAVAILABLE`
 */
export async function findManifest(exchange: Exchange, path: ManifestPath): Promise<FoundManifest> {
  const version = await findServedVersion(exchange, path.name);
  const found = await findStored(exchange, version, path);
  if (found !== undefined) return found;
  const absence = await readAbsence(exchange.em, version, path.reference);
  // what the remote leaves out is not asked for
  const isAsked = absence?.kind !== 'BY_RULE';
  if (!isAsked || !(await pullThrough(exchange, version, path))) throw unknown(path, absence);
  return findPulled(exchange, path);
}

/** An image that was pulled through before the policy, or before it was signed, lacks its signatures. They are looked up once more. */
async function findStored(
  exchange: Exchange,
  version: ServedVersion,
  path: ManifestPath,
): Promise<FoundManifest | undefined> {
  try {
    return await serveFromAny(exchange, version, path.reference, (candidate) =>
      read(exchange, candidate, path),
    );
  } catch (error) {
    if (!isDenied(error) || !(await pullThrough(exchange, version, path))) throw error;
    return findPulled(exchange, path);
  }
}

async function findPulled(exchange: Exchange, path: ManifestPath): Promise<FoundManifest> {
  const found = await read(exchange, await findServedVersion(exchange, path.name), path);
  if (found === undefined) throw unknown(path);
  return found;
}

async function read(
  exchange: Exchange,
  version: ServedVersion,
  { reference }: ManifestPath,
): Promise<FoundManifest | undefined> {
  const { request, em } = exchange;
  const manifest = await readServedManifest(em, version, {
    reference,
    withDocument: request.method === 'GET',
    accepts: (mediaType) => isNamed(request.headers.accept, mediaType),
  });
  if (manifest === undefined) return undefined;
  // Signing an image begins with its manifest, by digest. Its layers stay refused.
  if ('tag' in reference || !version.maySign) await requireVerified(exchange, version, reference);
  return { manifest, repositoryId: version.repositoryId };
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
