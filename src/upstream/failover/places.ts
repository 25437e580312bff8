import type { Remote } from '../../db/schema/remotes.ts';
import type { UpstreamPlace } from '../../db/upstreams/task-upstreams.ts';
import type { Registry } from '../../registry/registry.ts';
import { hostScope } from '../clients/host-scope.ts';
import type { BreakerKey } from './breakers.ts';

/** An upstream of a remote: its own, or a fallback. */
export interface Place extends UpstreamPlace, BreakerKey {
  readonly registry: Registry;
}

/** The places of a remote's content, opened: at least its own upstream. */
export interface Places {
  readonly all: readonly [Place, ...Place[]];
  /** Drops idle connections. */
  close(): Promise<void>;
}

/**
 * The remote for its own upstream and for each fallback, in order. A fallback has limits and timeouts of the remote, and nothing that is
 * for the remote's own host: neither login, nor headers, client certificate, CA, proxy or signature store.
 */
export function upstreamsOf(remote: Remote): readonly [Remote, ...Remote[]] {
  return [
    remote,
    ...(remote.fallbacks ?? []).map(
      ({ url, upstreamName, credentialId, proxyUrl, sslCaCertificate, sslValidation }): Remote => ({
        ...remote,
        url,
        upstreamName: upstreamName ?? remote.upstreamName,
        credentialId: credentialId ?? null,
        username: null,
        passwordSealed: null,
        headerNames: [],
        headersSealed: null,
        proxyUrl: proxyUrl ?? null,
        proxyUrlSealed: null,
        sslCaCertificate: sslCaCertificate ?? null,
        sslClientCertificate: null,
        sslClientKeySealed: null,
        sslValidation: sslValidation ?? true,
        sigstore: null,
        fallbacks: [],
      }),
    ),
  ];
}

/** @param open Opens the client of one of the remotes that `upstreamsOf` returns. */
export function openPlaces(remote: Remote, open: (upstream: Remote) => Registry): Places {
  const openOne = (upstream: Remote, position: number): Place => ({
    position,
    url: upstream.url,
    upstreamName: upstream.upstreamName,
    host: new URL(upstream.url).host,
    scope: hostScope(upstream),
    registry: open(upstream),
  });
  const [own, ...fallbacks] = upstreamsOf(remote);
  const all = [openOne(own, 0), ...fallbacks.map((fallback, index) => openOne(fallback, index + 1))] as const;
  return { all, close: async () => void (await Promise.all(all.map(({ registry }) => registry.close()))) };
}
