import { TidemarkError } from '../oci/error.ts';

/** The credentials of an `Authorization` header. The user name of Basic is ignored: the token identifies the caller. */
export type Credentials =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'basic' | 'bearer'; readonly secret: string };

/** The credentials of a request to the API, unverified. */
export interface Presented {
  /** The header. With one, the session is ignored. */
  readonly authorization: string | undefined;
  /** The secret of the session cookie, where the request may use it (`api/session/`). */
  readonly session: string | undefined;
}

/** Larger than any token of ours, and than an issuer's token with hundreds of groups. */
const longestSecret = 16 * 1024;

/**
 * Reads `Authorization` (RFC 6750 and RFC 7617).
 * @throws TidemarkError `UNAUTHENTICATED` if the header cannot be read; the message repeats nothing of it.
 */
export function parseAuthorization(header: string | undefined): Credentials {
  if (header === undefined || header === '') return { scheme: 'none' };
  const [, scheme = '', value = ''] = /^([a-z]+) +([\w.~+/-]+=*)$/i.exec(header) ?? [];
  if (value.length > longestSecret) throw unauthenticated('is too long');
  if (/^bearer$/i.test(scheme)) return { scheme: 'bearer', secret: value };
  if (!/^basic$/i.test(scheme)) throw unauthenticated('is neither "Bearer …" nor "Basic …"');
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw unauthenticated('has no password');
  const secret = text.slice(colon + 1);
  // Sent by clients that have a user name only, or neither name nor password.
  return secret === '' ? { scheme: 'none' } : { scheme: 'basic', secret };
}

/** @param what The end of the sentence "The Authorization …". */
export function unauthenticated(what: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    'UNAUTHENTICATED',
    `The Authorization ${what}. Expected a valid token; an administrator creates one with tokenCreate.`,
    { origin: 'caller', status: 401, cause },
  );
}
