import type { FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import type { ApiConfig } from '../dependencies.ts';

/** Connections to the port for Docker Hub. */
const connections = new WeakSet<Socket>();

export function markDockerHub(connection: Socket): void {
  connections.add(connection);
}

/** Whether a request is for the address of Docker Hub: it came to its port, or names its host. */
export function isForDockerHub(
  request: Pick<FastifyRequest['raw'], 'socket' | 'headers'>,
  { dockerHub }: Pick<ApiConfig, 'dockerHub'>,
): boolean {
  if (connections.has(request.socket)) return true;
  return dockerHub?.url !== undefined && request.headers.host?.toLowerCase() === new URL(dockerHub.url).host;
}

/** What the names of a request lack on this server: `docker.io/` at the address of Docker Hub, else nothing. */
export function prefixFor(request: FastifyRequest, config: Pick<ApiConfig, 'dockerHub'>): string {
  const { dockerHub } = config;
  return dockerHub !== undefined && isForDockerHub(request.raw, config) ? `${dockerHub.basePath}/` : '';
}
