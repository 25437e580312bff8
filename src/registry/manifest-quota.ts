import type { RateLimit } from './rate-limit.ts';

/** A registry's announced quota of manifest requests, of which a part is kept for others. */
export interface ManifestQuota {
  /**
   * Asks for one request.
   * @throws TidemarkError `QUOTA_RESERVED`, retryable, while nothing but the reserve is left
   */
  admit(signal?: AbortSignal): Promise<Admission>;
}

export interface Admission {
  /** What is known of the quota is too old, so this request must be a HEAD, and tells it anew. */
  readonly isProbe: boolean;
  /** Ends the request. `limit`: what its answer says; undefined: nothing. Without an argument: there was no answer. */
  end(answer?: { readonly limit: RateLimit | undefined }): Promise<void>;
}
