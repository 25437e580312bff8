import { lookup as dnsLookup } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { bareHost, withoutZone } from '../../oci/hosts/address.ts';
import type { classifyAddress } from '../../oci/hosts/address.ts';
import { TidemarkError } from '../../oci/error.ts';

/** Which addresses one kind of host may have. `name` is for the message. */
export interface AddressPolicy {
  /** @throws TidemarkError `ADDRESS_REFUSED` */
  check(address: string, name: string): void;
}

/** Refuses link-local and reserved addresses always, and private ones unless `privateAllowed`. */
export function addressPolicy(
  classify: typeof classifyAddress,
  privateAllowed: (address: string) => boolean,
): AddressPolicy {
  return {
    check(address, name) {
      const found = classify(address);
      if (found === 'refused')
        throw addressRefused(
          address,
          name,
          'connections to link-local, metadata and reserved addresses are never allowed.',
        );
      if (found === 'private' && !privateAllowed(address))
        throw addressRefused(
          address,
          name,
          'it is a loopback or private address. To allow upstreams there, set TIDEMARK_ALLOW_UPSTREAM for the API and every worker, for example to ' +
            '10.0.0.0/8 or registry.lan. A public registry must not lead to one.',
        );
    },
  };
}

/**
 * A lookup for `net.connect` that returns only allowed addresses. A name is resolved once, and the checked addresses are used for the
 * connection, which prevents DNS rebinding.
 */
export function guardedLookup(policy: AddressPolicy, resolve: LookupFunction = dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, answer) => {
      if (error !== null) return callback(error, '', 0);
      const addresses = Array.isArray(answer) ? answer : [{ address: answer, family: isIP(answer) }];
      let refusal: Error | undefined;
      const allowed = addresses.filter(({ address }) => {
        try {
          policy.check(address, hostname);
          return true;
        } catch (cause) {
          refusal ??= cause as Error;
          return false;
        }
      });
      const [first] = allowed;
      if (first === undefined)
        return callback(
          refusal ?? Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' }),
          '',
          0,
        );
      if (options.all === true) return callback(null, allowed);
      callback(null, first.address, first.family);
    });
  };
}

/** Checks a host that is an IP address, for which `net.connect` calls no lookup. Brackets are allowed. */
export function checkLiteral(policy: AddressPolicy, hostname: string): void {
  const bare = bareHost(hostname);
  if (isIP(withoutZone(bare)) !== 0) policy.check(bare, bare);
}

export function addressRefused(address: string, name: string, reason: string): TidemarkError {
  const where = address === name ? address : `${name} (${address})`;
  return new TidemarkError('ADDRESS_REFUSED', `Not connecting to ${where}: ${reason}`);
}
