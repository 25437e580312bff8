import { createHash } from 'node:crypto';
import type { Remote } from '../../db/schema/remotes.ts';
import { trimTrailingSlashes } from '../../oci/trim-ends.ts';

type Reached = Pick<
  Remote,
  | 'id'
  | 'url'
  | 'username'
  | 'credentialId'
  | 'proxyUrl'
  | 'proxyUrlSealed'
  | 'sslValidation'
  | 'sslCaCertificate'
  | 'sslClientCertificate'
  | 'headersSealed'
  | 'updatedAt'
>;

/**
 * A name for a host with all settings that decide who answers for it. Remotes of different scopes share no memory, so nobody's proxy, lax
 * TLS check or header changes what another's remote is believed to reach. Secrets are not in the hash, because it could be used to guess
 * them: a remote with secret headers or a secret proxy has a scope of its own.
 */
export function hostScope(remote: Reached): string {
  const { origin, pathname } = new URL(remote.url);
  const isAlone = remote.headersSealed != null || remote.proxyUrlSealed != null;
  const parts = [
    `${origin}${trimTrailingSlashes(pathname)}`,
    remote.username ?? null,
    remote.credentialId ?? null,
    remote.proxyUrl ?? null,
    remote.sslValidation,
    remote.sslCaCertificate ?? null,
    remote.sslClientCertificate ?? null,
    isAlone ? [remote.id, remote.updatedAt.getTime()] : null,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
