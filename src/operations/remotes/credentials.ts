import { quoteValue } from '../../oci/error.ts';
import { checkText, invalid } from '../mistakes.ts';
import type { Checked } from '../mistakes.ts';

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** Names that would change what a request is, whom it goes to, or that we set ourselves. */
const refusedHeaders = new Set(
  (
    'authorization proxy-authorization host content-length content-type content-encoding transfer-encoding connection keep-alive ' +
    'te trailer upgrade expect range if-range accept accept-encoding cookie proxy-connection'
  ).split(' '),
);

export function checkHeaders(headers: readonly Header[]): Checked[] {
  if (headers.length > 50)
    return [invalid('headers', `headers has ${headers.length} entries; at most 50 are accepted.`)];
  const seen = new Set<string>();
  return headers.flatMap(({ name, value }, index) => {
    const lower = name.toLowerCase();
    const checks = [checkHeaderName(name, index, seen.has(lower)), checkHeaderValue(value, index)];
    seen.add(lower);
    return checks;
  });
}

function checkHeaderName(name: string, index: number, isAgain: boolean): Checked {
  const field = ['headers', String(index), 'name'];
  // RFC 9110 section 5.6.2: token
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name))
    return invalid(
      field,
      `The header name ${quoteValue(name)} is not a token of RFC 9110; expected letters, digits and -.`,
    );
  if (refusedHeaders.has(name.toLowerCase()))
    return invalid(
      field,
      `The header ${quoteValue(name)} is set by the server itself; for credentials give username and password.`,
    );
  return isAgain
    ? invalid(field, `The header ${quoteValue(name)} is given twice; expected each name once.`)
    : undefined;
}

function checkHeaderValue(value: string, index: number): Checked {
  // RFC 9110 section 5.5, in ASCII; the value is not repeated, it may be a secret
  if (value.length <= 4_096 && /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/.test(value))
    return undefined;
  return invalid(
    ['headers', String(index), 'value'],
    'The header value has a line break, a control or non-ASCII character, a blank at an end, or more than 4096 characters; expected none of these.',
  );
}

export function checkUsername(value: string): Checked {
  if (/\p{Cc}/u.test(value))
    return invalid('username', 'username has a control character or line break; expected none.');
  if (value.includes(':'))
    return invalid(
      'username',
      'username has a colon, which Basic authentication cannot carry (RFC 7617); expected none.',
    );
  return value === ''
    ? invalid('username', 'username is empty; expected a name, or null for none.')
    : checkText('username', value, 255);
}

export function checkPassword(value: string): Checked {
  if (value === '') return invalid('password', 'password is empty; expected one, or null for none.');
  // Basic credentials are base64 of any bytes: Google's key file, with its line breaks, is one
  if (value.includes('\0') || !value.isWellFormed())
    return invalid(
      'password',
      'password has a NUL character or half of a surrogate pair; expected text. Give the credential as it was issued.',
    );
  return value.length > 16_384
    ? invalid('password', `password has ${value.length} characters; at most 16384 are accepted.`)
    : undefined;
}

/** Host names as they stand in a URL; where a secret may go is not left to a wildcard. */
export function checkRealmHosts(hosts: readonly string[]): Checked[] {
  return hosts.map((host, index) => {
    if (
      /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(host) &&
      host.length <= 253
    )
      return undefined;
    return invalid(
      ['realmHosts', String(index)],
      `realmHosts[${index}], ${quoteValue(host)}, is not a host name; expected e.g. auth.example.com: lower case, without scheme and port.`,
    );
  });
}
