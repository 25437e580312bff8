import type { RateLimit } from './rate-limit.ts';

/** A registry's announced quota of manifest requests, of which a part is kept for others. */
export interface ManifestQuota {
  /**
   * Asks for one request. `probe`: what is known of the quota is too old, so this request must be a HEAD, and tells it anew.
   * @throws TidemarkError `QUOTA_RESERVED`, retryable, while nothing but the reserve is left
   */
  admit(): Promise<'admitted' | 'probe'>;
  /** Ends an admitted request. `limit`: what its answer says; undefined: nothing, or there was none. */
  settle(limit: RateLimit | undefined, isProbe: boolean): Promise<void>;
}
