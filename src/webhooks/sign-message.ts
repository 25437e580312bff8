import { createHmac, randomBytes } from 'node:crypto';
import type { MessageBody } from './message.ts';

/** Signatures of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over id, time and body. */

const secretPrefix = 'whsec_';
const newSecretBytes = 32;
const secretBytes = { least: 24, most: 64 };

export function newWebhookSecret(): string {
  return `${secretPrefix}${randomBytes(newSecretBytes).toString('base64')}`;
}

/** Whether the text is `whsec_` with base64 of 24 to 64 bytes. */
export function isWebhookSecret(text: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(text)) return false;
  const key = keyOf(text);
  const { least, most } = secretBytes;
  return (
    key.byteLength >= least &&
    key.byteLength <= most &&
    key.toString('base64') === text.slice(secretPrefix.length)
  );
}

export interface MessageToSign {
  readonly id: string;
  readonly sentAt: Date;
  readonly body: MessageBody;
}

/** The headers of a request. Each of the secrets signs: during a rotation there are two. */
export function signMessage(
  { id, sentAt, body }: MessageToSign,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1000));
  const signed = `${id}.${timestamp}.${body.text}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`,
  );
  return {
    'content-type': body.contentType,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(secretPrefix.length), 'base64');
}
