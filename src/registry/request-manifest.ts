import type { ManifestQuota } from './manifest-quota.ts';
import { parseRateLimit } from './rate-limit.ts';
import type { RateLimit } from './rate-limit.ts';
import type { RequestInput, Requester } from './requester.ts';
import type { HttpRequest, HttpResponse } from './transport/exchange.ts';

/** Sends a request for a manifest within the quota. */
export async function requestManifest<Result>(
  { requester, quota }: { readonly requester: Requester; readonly quota: ManifestQuota | undefined },
  input: RequestInput,
  read: (response: HttpResponse, request: HttpRequest) => Promise<Result>,
): Promise<Result> {
  if (quota === undefined) return requester.request(input, read);
  for (;;) {
    const admission = await quota.admit(input.signal);
    let answer: { readonly limit: RateLimit | undefined } | undefined;
    const see = (response: HttpResponse) => {
      answer = { limit: parseRateLimit(response.headers) };
    };
    try {
      if (!admission.isProbe || input.method === 'HEAD')
        return await requester.request(input, async (response, sent) => {
          see(response);
          return read(response, sent);
        });
      await requester.request({ ...input, method: 'HEAD' }, async (response) => {
        see(response);
        await response.discard();
      });
    } finally {
      await admission.end(answer);
    }
  }
}
