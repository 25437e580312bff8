import { isTidemarkError } from '../../oci/error.ts';
import { startDeadline } from '../../registry/transport/deadline.ts';
import { singleHeader } from '../../registry/transport/exchange.ts';
import type { HttpResponse } from '../../registry/transport/exchange.ts';
import { parseRetryAfter } from '../../registry/transport/retry.ts';
import { openTransport } from '../../registry/transport/transport.ts';
import { signMessage } from '../../webhooks/sign-message.ts';
import type { MessageToSign } from '../../webhooks/sign-message.ts';
import { describeRefusal, describeTrouble } from './describe-failure.ts';
import type { SendFailure } from './describe-failure.ts';

export interface Endpoint {
  readonly url: string;
  readonly secrets: readonly string[];
  /** Whether it may have a loopback or private address. */
  readonly allowPrivate: boolean;
  /** Private hosts and ranges that are allowed all the same. */
  readonly allowUpstream: readonly string[];
}

export type SendResult =
  | { readonly isDelivered: true; readonly httpStatus: number }
  | ({ readonly isDelivered: false } & SendFailure);

/** From the connection to the end of the answer. */
export const attemptMs = 10_000;
const keptAnswerBytes = 1_024;

/**
 * Sends a signed message. Redirects are not followed, and only statuses from 200 to 299 are a success. Each attempt has a connection of its own: a
 * request on an old one could fail because the endpoint has closed it.
 * @throws the signal's reason
 */
export async function sendMessage(
  message: MessageToSign,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<SendResult> {
  const { url, secrets, allowPrivate, allowUpstream } = endpoint;
  const transport = openTransport(
    { url, upstreamName: '', allowPrivate, allowAddresses: allowUpstream, connectTimeoutMs: attemptMs },
    { isObserved: false },
  );
  const deadline = startDeadline(signal, attemptMs, 'The request');
  try {
    const response = await transport.exchange({
      method: 'POST',
      url: new URL(url),
      headers: { 'user-agent': 'tidemark', ...signMessage(message, secrets) },
      body: message.body.text,
      signal: deadline.signal,
    });
    return await readAnswer(response);
  } catch (error) {
    signal.throwIfAborted();
    if (!isTidemarkError(error)) throw error;
    return { isDelivered: false, ...describeTrouble(error, attemptMs) };
  } finally {
    deadline.end();
    await transport.close();
  }
}

/** The rest of a long answer is not read. */
async function readAnswer(response: HttpResponse): Promise<SendResult> {
  const { status, headers } = response;
  if (status >= 200 && status < 300) return { isDelivered: true, httpStatus: status };
  const isBusy = status === 429 || status === 503;
  const retryAfterMs = isBusy ? parseRetryAfter(singleHeader(headers, 'retry-after')) : undefined;
  const responseText = printable(await readBeginning(response));
  return { isDelivered: false, ...describeRefusal(status), responseText, retryAfterMs };
}

async function readBeginning(response: HttpResponse): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(Buffer.from(chunk));
      length += chunk.length;
      if (length >= keptAnswerBytes) break;
    }
  } catch (error) {
    // the status is known, whatever becomes of the body
    if (!isTidemarkError(error)) throw error;
  }
  return Buffer.concat(chunks).subarray(0, keptAnswerBytes);
}

/** Control characters are left out: PostgreSQL takes no NUL, and terminals show the text. */
function printable(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ')
    .trim();
}
