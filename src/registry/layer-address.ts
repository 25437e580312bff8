import { TidemarkError, quoteValue } from '../oci/error.ts';
import { describeUrl } from './transport/exchange.ts';

/**
 * An address that a manifest names for one of its layers, as far as it may be asked: http or https, from an https registry only https, and
 * no credentials inside. Whether its host may be connected to is checked at the connection, at each hop.
 * @throws TidemarkError `ADDRESS_REFUSED`
 */
export function parseLayerAddress(address: string, registry: URL): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refused(`${quoteValue(address)} is no http or https URL`);
  if (url.username !== '' || url.password !== '')
    throw refused(`the address of the layer at ${url.host} has credentials inside`);
  if (registry.protocol === 'https:' && url.protocol === 'http:')
    throw refused(`${describeUrl(url)} is unprotected http, and the registry is https`);
  url.hash = '';
  return url;
}

function refused(reason: string): TidemarkError {
  return new TidemarkError('ADDRESS_REFUSED', `A layer's address is not asked: ${reason}.`);
}
