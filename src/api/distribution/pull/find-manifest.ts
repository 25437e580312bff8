import { readServedManifest } from '../../../db/reads/read-served.ts';
import type { ServedManifest } from '../../../db/reads/read-served.ts';
import { readAbsence } from '../../../db/reads/read-absences.ts';
import type { Absence } from '../../../db/reads/read-absences.ts';
import { isKnownMiss } from '../../../db/tag-checks/upstream-misses.ts';
import { quoteValue } from '../../../oci/error.ts';
import { isNamed } from './accept.ts';
import { refuse, refuseUpstream } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import type { ServedVersion } from '../served-version.ts';
import { findServedVersion } from '../served-version.ts';
import type { ManifestReference } from '../parse-path.ts';
import { readCurrentTag } from './current-tag.ts';
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
  const isAsked = absence?.kind !== 'BY_RULE' && !(await isMissing(exchange, version, path));
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

/** Whether the upstream has lately answered that it lacks the tag or digest. */
async function isMissing(
  { em }: Exchange,
  { repositoryId, pullThroughRemoteId, notFoundTtlSeconds }: ServedVersion,
  { reference }: ManifestPath,
): Promise<boolean> {
  if (pullThroughRemoteId === null || notFoundTtlSeconds === 0) return false;
  return isKnownMiss(em, { repositoryId, reference: 'tag' in reference ? reference.tag : reference.digest });
}

async function findPulled(exchange: Exchange, path: ManifestPath): Promise<FoundManifest> {
  const found = await read(exchange, await findServedVersion(exchange, path.name), path);
  if (found === undefined) throw unknown(path);
  return found;
}

async function read(
  exchange: Exchange,
  version: ServedVersion,
  { name, reference }: ManifestPath,
): Promise<FoundManifest | undefined> {
  const { request, em } = exchange;
  const wish = {
    withDocument: request.method === 'GET',
    accepts: (mediaType: string) => isNamed(request.headers.accept, mediaType),
  };
  if ('tag' in reference) {
    const found = await readCurrentTag(exchange, version, { name, wish: { ...wish, reference } });
    if (found !== undefined) await requireVerified(exchange, found.version, reference);
    return found && { manifest: found.manifest, repositoryId: version.repositoryId };
  }
  const manifest = await readServedManifest(em, version, { ...wish, reference });
  if (manifest === undefined) return undefined;
  // Signing an image begins with its manifest, by digest. Its layers stay refused.
  if (!version.maySign) await requireVerified(exchange, version, reference);
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
  const { repositoryId, pullThroughRemoteId: remoteId, policies, notFoundTtlSeconds } = version;
  if (remoteId === null) return false;
  const outcome = await ask(
    exchange,
    { repositoryId, remoteId, reference, policies, notFoundTtlSeconds },
    name,
  );
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
