import { TidemarkError } from '../../oci/error.ts';
import { checkStatus } from '../status.ts';
import { readUpTo } from '../transport/body.ts';
import { describeUrl } from '../transport/exchange.ts';
import type { Exchange } from '../transport/exchange.ts';
import { formRequest, unauthorized } from './token-request.ts';

const answerMaxBytes = 1024 * 1024;
const refusals: ReadonlySet<number> = new Set([400, 401, 403]);

/** Sends a form without following redirects, so that no other host gets its secrets. @returns the answer's text. */
export async function postForm(
  exchange: Exchange,
  url: URL,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const request = formRequest(url, form, signal);
  const response = await exchange(request);
  if (refusals.has(response.status)) {
    await response.discard();
    throw unauthorized(describeUrl(url), 'the token was refused', response.status);
  }
  await checkStatus(request, response, 200);
  const body = await readUpTo(response, answerMaxBytes);
  if (body !== undefined) return body.toString();
  throw new TidemarkError(
    'UPSTREAM_AUTH_INVALID',
    `POST ${describeUrl(url)} answered more than 1 MiB; expected a token as JSON.`,
  );
}
