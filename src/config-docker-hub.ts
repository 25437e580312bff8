import { isRepositoryName } from './oci/reference.ts';
import { quoteValue } from './oci/error.ts';
import { parseHttpUrl, parseInteger } from './config-values.ts';
import type { Parsed, Read } from './config-values.ts';

/** Where Docker Hub's repositories are served without their base path, for the `registry-mirrors` of dockerd. */
export interface DockerHubSettings {
  /** A second port of the API; 0 means any free port. Undefined: none (`TIDEMARK_DOCKER_HUB_PORT`). */
  readonly port: number | undefined;
  /** The address as clients write it. Undefined: as their requests say, over http (`TIDEMARK_DOCKER_HUB_URL`). */
  readonly url: string | undefined;
  /** The base path of these repositories (`TIDEMARK_DOCKER_HUB_BASE_PATH`). */
  readonly basePath: string;
}

export function readDockerHub(
  read: Read,
  mistakes: string[],
  own: { readonly port: number; readonly publicUrl: string | undefined },
): DockerHubSettings {
  const port = read('TIDEMARK_DOCKER_HUB_PORT', undefined, parseInteger(0, 65_535));
  const url = read('TIDEMARK_DOCKER_HUB_URL', undefined, parseOrigin);
  const basePath = read('TIDEMARK_DOCKER_HUB_BASE_PATH', 'docker.io', parseBasePath);
  if (port !== undefined && port !== 0 && port === own.port)
    mistakes.push(`TIDEMARK_DOCKER_HUB_PORT is ${port}, the same as TIDEMARK_PORT; set another port`);
  if (url !== undefined && own.publicUrl !== undefined && new URL(own.publicUrl).host === new URL(url).host)
    mistakes.push(
      `TIDEMARK_DOCKER_HUB_URL has the host of TIDEMARK_PUBLIC_URL; give it a name or port of its own`,
    );
  return { port, url, basePath };
}

/** dockerd takes mirrors without a path only. */
function parseOrigin(value: string): Parsed<string> {
  const parsed = parseHttpUrl(value);
  if ('mistake' in parsed) return parsed;
  const { origin, pathname, search, hash } = new URL(value);
  if (pathname === '/' && search === '' && hash === '') return { value: origin };
  return { mistake: `is ${quoteValue(value)}; expected it without a path, such as ${origin}` };
}

function parseBasePath(value: string): Parsed<string> {
  if (isRepositoryName(value)) return { value };
  return { mistake: `is ${quoteValue(value)}; expected a base path such as docker.io or mirror/docker` };
}
