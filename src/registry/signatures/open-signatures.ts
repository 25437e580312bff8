import { parseDigest } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { CallOptions, ReadSignatures, RegistryOptions, SignatureSource } from '../registry.ts';
import { createRequester } from '../requester.ts';
import type { ClientSettings, Requester } from '../requester.ts';
import { findExtension, readExtension, readStore } from './signatures.ts';
import { trimTrailingSlashes } from '../../oci/trim-ends.ts';

export interface SignatureReader {
  findSource(options?: CallOptions): Promise<SignatureSource | undefined>;
  read: ReadSignatures;
  close(): Promise<void>;
}

/** Reads atomic signatures from the store or the registry. Connects on first use. */
export function openSignatures(registry: {
  readonly requester: Requester;
  /** The URL of the registry, without a trailing slash. */
  readonly apiBase: string;
  readonly options: RegistryOptions;
  readonly settings: ClientSettings;
}): SignatureReader {
  const { options, apiBase, requester } = registry;
  const store = options.signatureStore && {
    base: `${trimTrailingSlashes(options.signatureStore.url)}/${options.upstreamName}`,
    requester: createRequester(storeOptions(options, options.signatureStore), registry.settings),
  };
  return {
    async findSource({ signal } = {}) {
      if (store !== undefined) return 'STORE';
      const remembered = await options.memory?.recall('SIGNATURES');
      if (remembered?.kind === 'absent') return undefined;
      const { isPresent, reason } = await findExtension(requester, new URL(`${apiBase}/v2/`), signal);
      if (isPresent) await options.memory?.present('SIGNATURES');
      else if (reason !== undefined) await options.memory?.missing('SIGNATURES', { objects: 1, reason });
      return isPresent ? 'EXTENSION' : undefined;
    },
    read(source, digest, { signal, atLeast = 0 } = {}) {
      const checked = parseDigest(digest);
      if (source === 'EXTENSION') {
        const url = new URL(`${apiBase}/extensions/v2/${options.upstreamName}/signatures/${checked}`);
        return readExtension(url, { requester, signal });
      }
      if (store === undefined)
        throw new TidemarkError(
          'REMOTE_CHANGED',
          'The sync began with a signature store, but the remote has none now. Nothing was changed. Sync again.',
          { origin: 'caller' },
        );
      return readStore(store.base, { requester: store.requester, digest: checked, signal, atLeast });
    },
    async close() {
      await store?.requester.close();
    },
  };
}

/** The store gets the CA, the TLS checks and the proxy. Credentials, headers and the client certificate go only to the registry's host. */
function storeOptions(
  options: RegistryOptions,
  { url, allowPrivate }: NonNullable<RegistryOptions['signatureStore']>,
): RegistryOptions {
  const {
    username: _username,
    password: _password,
    logins: _logins,
    headers: _headers,
    memory: _memory,
    onAnswer: _onAnswer,
    realmHosts: _hosts,
    tls,
    ...kept
  } = options;
  const isRegistry = new URL(url).hostname === new URL(options.url).hostname;
  const { cert: _cert, key: _key, ...checks } = tls ?? {};
  return { ...kept, url, allowPrivate, ...(tls === undefined ? {} : { tls: isRegistry ? tls : checks }) };
}
