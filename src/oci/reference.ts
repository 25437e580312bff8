import { parseDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import { TidemarkError, isTidemarkError, quoteValue } from './error.ts';
import { dockerHubUrl, imageOfPage, isDockerHub } from './hosts/registry-address.ts';
import { isTagName } from './tag-name.ts';

/** The upstream in an image reference of docker and podman. */
export interface ImageReference {
  /** Base of the registry API: `https://registry-1.docker.io`, `http://localhost:5000`. */
  readonly registryUrl: string;
  /** Repository at the upstream: `library/nginx`. */
  readonly upstreamName: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** A proposal for the local repository name: the upstream's, without the host. */
  readonly name: string;
}

const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const hostPattern =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/;

/** distribution-spec, "Pulling manifests": the grammar of a repository name; at most 255 characters. */
export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && namePattern.test(text);
}

/**
 * Parses `nginx:1.25`, `ghcr.io/org/app@sha256:…`, `localhost:5000/x/y:tag`, also after `docker://`. Without a host it is Docker Hub's, where a
 * name of one part is in `library/`. Loopback hosts use http.
 * @throws TidemarkError `REFERENCE_INVALID`, `DIGEST_INVALID` or `DIGEST_UNSUPPORTED`, origin caller.
 */
export function parseImageReference(text: string): ImageReference {
  const bare = text.startsWith('docker://') ? text.slice('docker://'.length) : text;
  const at = bare.indexOf('@');
  if (at >= 0 && bare.includes('/', at))
    // Not quoted: the part before the @ may be a password.
    throw refuse(
      'The image reference has an @ before a /; expected no user name or password. Set them on the remote.',
    );
  const page = imageOfPage(bare);
  if (page !== undefined)
    throw refuse(`${quoteValue(text, 200)} is the address of a web page. Did you mean ${quoteValue(page)}?`);
  if (bare.includes('://'))
    throw refuse(
      `${quoteValue(text, 200)} is a URL; expected an image reference, as ghcr.io/org/app:1.0, without http:// or https://.`,
    );
  const digest = at < 0 ? undefined : callersDigest(bare.slice(at + 1));
  const [path, tag] = splitTag(at < 0 ? bare : bare.slice(0, at), text);
  const [host, rest] = splitHost(path);
  const isAtHub = host === undefined || isDockerHub(host);
  const upstreamName = isAtHub && !rest.includes('/') ? `library/${rest}` : rest;
  if (!isRepositoryName(upstreamName)) throw invalidName(text, rest);
  return {
    registryUrl: isAtHub ? dockerHubUrl : registryUrl(host, text),
    upstreamName,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    name: upstreamName,
  };
}

/** The name of a repository in signatures: `quay.io/acme/app`, `docker.io/library/nginx`. */
export function repositoryReference({
  url,
  upstreamName,
}: {
  readonly url: string;
  readonly upstreamName: string;
}): string {
  const { host } = new URL(url);
  return `${isDockerHub(host) ? 'docker.io' : host}/${upstreamName}`;
}

/** The repository of a signature's `docker-reference`, in the same form; undefined if it has none. */
export function signedRepository(dockerReference: string): string | undefined {
  try {
    const { registryUrl: url, upstreamName } = parseImageReference(dockerReference);
    return repositoryReference({ url, upstreamName });
  } catch {
    return undefined;
  }
}

function callersDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new TidemarkError(error.code, error.message, { origin: 'caller', cause: error });
  }
}

/** A colon after the last slash starts the tag; one before it, a port. */
function splitTag(path: string, text: string): [string, string | undefined] {
  const colon = path.indexOf(':', path.lastIndexOf('/') + 1);
  if (colon < 0) return [path, undefined];
  const tag = path.slice(colon + 1);
  if (!isTagName(tag))
    throw refuse(
      `${quoteValue(text, 200)} has the tag ${quoteValue(tag)}; expected a letter, digit or _, then up to 127 letters, ` +
        'digits, _ . -. For several tags, name the repository alone and give patterns.',
    );
  return [path.slice(0, colon), tag];
}

/** The first part is a host if it has a dot or colon, or is `localhost`. docker also accepts capitals, which are an error here. */
function splitHost(path: string): [string | undefined, string] {
  const slash = path.indexOf('/');
  const first = path.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost';
  return isHost ? [first.toLowerCase(), path.slice(slash + 1)] : [undefined, path];
}

function registryUrl(host: string, text: string): string {
  const match = host.length <= 260 ? hostPattern.exec(host) : null;
  const port = match?.[1];
  // A last label of digits would be an IP address, which `lo.500` is not.
  const isUrl = URL.canParse(`https://${host}`);
  if (match === null || !isUrl || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)))
    throw refuse(
      `${quoteValue(text, 200)} has the host ${quoteValue(host)}; expected a host name or address, with or without :port.`,
    );
  const hostname = port === undefined ? host : host.slice(0, -port.length - 1);
  const isLoopback = /^(?:(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(hostname);
  return `${isLoopback ? 'http' : 'https'}://${host}`;
}

function invalidName(text: string, name: string): TidemarkError {
  const hint = isRepositoryName(name.toLowerCase()) ? ` Did you mean ${quoteValue(name.toLowerCase())}?` : '';
  return refuse(
    `${quoteValue(text, 200)} has the repository name ${quoteValue(name)}; expected parts of lower-case letters and digits, ` +
      `joined by . _ __ or -, with / between them, at most 255 characters.${hint}`,
  );
}

function refuse(message: string): TidemarkError {
  return new TidemarkError('REFERENCE_INVALID', message, { origin: 'caller' });
}
