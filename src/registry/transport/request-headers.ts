import { TidemarkError, quoteValue } from '../../oci/error.ts';

/** Headers of the connection or of this client, which a remote cannot set. */
const reserved = new Set(
  'host connection content-length transfer-encoding te trailer upgrade keep-alive proxy-authorization expect range accept accept-encoding'.split(
    ' ',
  ),
);

/** Validates the remote's headers, with names in lower case. @throws TidemarkError `HEADERS_INVALID`, origin caller. */
export function requestHeaders(
  headers: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const checked: Record<string, string> = { 'user-agent': 'tidemark' };
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || reserved.has(name.toLowerCase()))
      throw invalid(`${quoteValue(name)} cannot be set as a request header of a remote.`);
    // The message omits the value, which may be a secret.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw invalid(
        `The value of the remote's request header ${quoteValue(name)} has characters that are not allowed in headers.`,
      );
    checked[name.toLowerCase()] = value;
  }
  return checked;
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('HEADERS_INVALID', message, { origin: 'caller' });
}
