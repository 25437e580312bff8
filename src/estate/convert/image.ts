import { isTidemarkError } from '../../oci/error.ts';
import { dockerHubUrl } from '../../oci/hosts/registry-address.ts';
import { parseImageReference } from '../../oci/reference.ts';

/** An image of another tool's file. */
export interface Image {
  /** `docker.io` for Docker Hub, in lower case, with the port. */
  readonly host: string;
  /** `library/nginx`. */
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Reads an image as docker does: without a host it is Docker Hub's. */
export function readImage(text: string): Image | { readonly mistake: string } {
  try {
    const { registryUrl, upstreamName, tag, digest } = parseImageReference(text);
    const host = registryUrl === dockerHubUrl ? 'docker.io' : new URL(registryUrl).host;
    return { host, name: upstreamName, tag, digest };
  } catch (error) {
    if (isTidemarkError(error)) return { mistake: error.message };
    throw error;
  }
}

/** The URL of a registry, as all of these tools reach it unless told otherwise: by https, on loopback too. */
export function urlOf(host: string, scheme: 'http' | 'https' = 'https'): string {
  return host === 'docker.io' ? dockerHubUrl : `${scheme}://${host}`;
}

/** Names for the repository, the better first: the upstream's own, and with its host for a name that is taken. */
export function repositoryNames({ host, name }: Pick<Image, 'host' | 'name'>): string[] {
  return [name, `${host.replaceAll(/[^a-z0-9.-]/g, '-')}/${name}`];
}

export const pinnedNote =
  'Tidemark keeps the digest without a tag. Pull it by its digest, or add the tag to includeTags to follow it.';
