import { TidemarkError, quoteValue } from '../oci/error.ts';
import { describeUrl } from './transport/exchange.ts';

/**
 * Parses a layer URL from a manifest: http or https (only https if the registry uses it), without credentials. The connection checks the
 * address, at each redirect.
 * @throws TidemarkError `ADDRESS_REFUSED`
 */
export function parseLayerAddress(address: string, registry: URL): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refused(`${quoteValue(address)} is no http or https URL`);
  if (url.username !== '' || url.password !== '')
    throw refused(`the URL of the layer at ${url.host} contains credentials`);
  if (registry.protocol === 'https:' && url.protocol === 'http:')
    throw refused(`${describeUrl(url)} is unencrypted http, but the registry uses https`);
  url.hash = '';
  return url;
}

function refused(reason: string): TidemarkError {
  return new TidemarkError('ADDRESS_REFUSED', `The URL of a layer was refused: ${reason}.`);
}
