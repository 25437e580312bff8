import { certificateFile, hostOf } from './client-configuration.ts';
import type { ClientConfiguration, ClientSettings } from './client-configuration.ts';

/** dockerd's `registry-mirrors` are for Docker Hub only, and take an address without a path. */
export function configureDocker(settings: ClientSettings, dockerHubUrl: string): ClientConfiguration {
  const hosts = [...new Set([dockerHubUrl, settings.url].map(hostOf))];
  return {
    files: [
      {
        path: '/etc/docker/daemon.json',
        content: `${JSON.stringify({ 'registry-mirrors': [dockerHubUrl] }, null, 2)}\n`,
        note: 'Add the key to the file if it exists.',
      },
      ...hosts.flatMap((host) => certificateFile(settings, `/etc/docker/certs.d/${host}/ca.crt`)),
    ],
    commands: ['systemctl reload docker'],
    notes: [...otherRegistries(settings), ...fallbackNotes(settings), credentialsNote],
  };
}

const credentialsNote =
  'dockerd sends mirrors the login of Docker Hub, and no other. So it pulls what is public on this server, or what that login may read.';

function otherRegistries({ mappings, url }: ClientSettings): string[] {
  return mappings
    .filter(({ namespace }) => namespace !== 'docker.io')
    .map(
      ({ namespace, basePath }) =>
        `dockerd has mirrors of Docker Hub only. Pull the images of ${namespace} as ${hostOf(url)}/${basePath}/….`,
    );
}

function fallbackNotes({ fallback }: ClientSettings): string[] {
  return fallback ? [] : ['dockerd always asks Docker Hub for what a mirror does not have.'];
}
