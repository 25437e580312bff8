import type { Authenticator } from './auth.ts';
import type { Exchange, HttpRequest, HttpResponse } from '../transport/exchange.ts';
import { followRedirects } from '../transport/redirect.ts';

/** Sends with the known authorization. Challenges of the registry itself are answered, and the request is repeated. */
export async function sendAuthorized(
  exchange: Exchange,
  authenticator: Authenticator,
  request: HttpRequest,
  isSide: boolean,
): Promise<HttpResponse> {
  const authorized = await authenticator.begin(request, isSide);
  try {
    for (;;) {
      const { used } = authorized;
      const response = await followRedirects(exchange, {
        ...request,
        headers: used === undefined ? request.headers : { ...request.headers, authorization: used },
      });
      // Another host's challenge never gets the registry's credentials (fault 21).
      if (response.url.origin !== request.url.origin) return response;
      if (!(await authenticator.answer(authorized, response, request.signal))) return response;
    }
  } finally {
    authenticator.end(authorized);
  }
}
