export interface Reference {
  readonly url: string;
  readonly upstreamName: string;
}

/** `docker.io/library/nginx` as the address of a registry and a name there; a first part without dot or port is Docker Hub's. */
export function splitReference(reference: string): Reference {
  const bare = reference.trim().replace(/^docker:\/\//, '');
  const scheme = /^https?:\/\//.exec(bare)?.[0] ?? '';
  const [host = '', ...parts] = bare
    .slice(scheme.length)
    .replace(/:[\w.-]+$(?<!:\d+$)/, '')
    .split('/');
  const isHost = scheme !== '' || host.includes('.') || host.includes(':') || host === 'localhost';
  if (!isHost) return { url: 'https://docker.io', upstreamName: [host, ...parts].join('/') };
  const local = /^(localhost|127\.|\[::1\])/.test(host);
  return { url: `${scheme || (local ? 'http://' : 'https://')}${host}`, upstreamName: parts.join('/') };
}
