import type { LookupAddress, LookupOptions } from 'node:dns';
import type { TlsOptions } from '../../registry.ts';
import type { HttpHeaders, HttpRequest } from '../exchange.ts';

export interface ServedTransport {
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly tls: TlsOptions;
}

export interface ServedRequest extends Pick<HttpRequest, 'method' | 'target' | 'headers'> {
  /** Chosen by the caller. */
  readonly id: number;
  readonly url: string;
}

interface Id {
  readonly id: number;
}

/** The functions of a thread for the connections to one kind of host. */
export type TransportService = {
  /** Undefined if the answer is chunked or encoded. */
  exchange(
    request: ServedRequest,
  ): Promise<{ readonly status: number; readonly headers: HttpHeaders } | undefined>;
  /** The next bytes of the body, in shared memory, valid until the next call; undefined at the end. */
  read(body: Id): Promise<Uint8Array | undefined>;
  discard(body: Id): Promise<void>;
  /** Aborts the request, or leaves the body. */
  cancel(body: Id): void;
};

/** The guard of addresses, for a thread. */
export type GuardService = {
  lookup(
    input: { readonly hostname: string } & Pick<LookupOptions, 'family' | 'hints'>,
  ): Promise<readonly LookupAddress[]>;
  admit(input: { readonly address: string; readonly name: string }): Promise<void> | void;
};
