import type { RequestInput, Requester } from './requester.ts';
import { parseRateLimit } from './rate-limit.ts';
import type { RateLimit } from './rate-limit.ts';
import type { HttpRequest, HttpResponse } from './transport/exchange.ts';

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

/** Sends a request for a manifest within the quota. */
export async function requestManifest<Result>(
  { requester, quota }: { readonly requester: Requester; readonly quota: ManifestQuota | undefined },
  input: RequestInput,
  read: (response: HttpResponse, request: HttpRequest) => Promise<Result>,
): Promise<Result> {
  if (quota === undefined) return requester.request(input, read);
  for (;;) {
    const isProbe = (await quota.admit()) === 'probe';
    let limit: RateLimit | undefined;
    let isAnswered = false;
    const see = (response: HttpResponse) => {
      limit = parseRateLimit(response.headers);
      isAnswered = true;
    };
    try {
      if (!isProbe || input.method === 'HEAD')
        return await requester.request(input, async (response, sent) => {
          see(response);
          return read(response, sent);
        });
      await requester.request({ ...input, method: 'HEAD' }, async (response) => {
        see(response);
        await response.discard();
      });
    } finally {
      await quota.settle(limit, isProbe && isAnswered);
    }
  }
}
