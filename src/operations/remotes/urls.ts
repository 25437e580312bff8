import { bareHost, classifyAddress, isListedHost } from '../../oci/hosts/address.ts';
import { quoteValue } from '../../oci/error.ts';
import { dockerHubUrl, imageOfPage } from '../../oci/hosts/registry-address.ts';
import { isIP } from 'node:net';
import { invalid } from '../mistakes.ts';
import type { Checked } from '../mistakes.ts';

/** Which upstreams on private addresses a caller may name. */
export interface AddressRules {
  readonly allowPrivate: boolean;
  readonly allowUpstream: readonly string[];
}

/** An http or https URL that a request may be sent to, with nothing secret in it. */
export function checkBaseUrl(field: string, value: string, rules: AddressRules): Checked {
  const parsed = parseHttpUrl(field, value);
  if (!(parsed instanceof URL)) return parsed;
  // not repeated: it may be a password
  if (parsed.username !== '' || parsed.password !== '')
    return invalid(
      field,
      `${field} has a user name or password in it; expected none. Give them as username and password.`,
    );
  if (value.includes('?'))
    return invalid(
      field,
      `${field} has a query (?…) in it; expected the base of the API only, e.g. https://registry.example.`,
    );
  if (value.includes('#'))
    return invalid(
      field,
      `${field} has a fragment (#…) in it; expected the base of the API only, e.g. https://registry.example.`,
    );
  const page = imageOfPage(value);
  if (page !== undefined || parsed.hostname === 'hub.docker.com')
    return invalid(
      field,
      `${field} is the address of a web page; expected the base of the API only, e.g. ` +
        `${parsed.hostname === 'hub.docker.com' ? dockerHubUrl : parsed.origin}. The name of the repository goes into upstreamName.`,
    );
  return checkAddress(field, parsed, rules);
}

/** The URL of a webhook. It may have a query, which is sent. */
export function checkEndpointUrl(field: string, value: string, rules: AddressRules): Checked {
  const parsed = parseHttpUrl(field, value);
  if (!(parsed instanceof URL)) return parsed;
  if (parsed.username !== '' || parsed.password !== '' || value.includes('#'))
    return invalid(
      field,
      `${field} has a user name, password or fragment in it; expected none. The endpoint knows requests by their signature.`,
    );
  return checkAddress(field, parsed, rules);
}

/** A proxy's URL: credentials inside are let through, since there is no other place for them. */
export function checkProxyUrl(field: string, value: string, rules: AddressRules): Checked {
  const parsed = parseHttpUrl(field, value);
  if (!(parsed instanceof URL)) return parsed;
  if (!['', '/'].includes(parsed.pathname) || value.includes('?') || value.includes('#'))
    return invalid(
      field,
      `${field} has a path, query or fragment; expected http://[user:password@]host:port.`,
    );
  if (!isDecodable(parsed.username) || !isDecodable(parsed.password))
    return invalid(
      field,
      `${field} has a % in its credentials that begins no %XX; write %25 for the character itself.`,
    );
  return checkAddress(field, parsed, rules);
}

/** The URL without its credentials, and whether it has any. */
export function splitProxyUrl(value: string): {
  readonly publicUrl: string;
  readonly hasCredentials: boolean;
} {
  const url = new URL(value);
  const hasCredentials = url.username !== '' || url.password !== '';
  url.username = '';
  url.password = '';
  return { publicUrl: hasCredentials ? url.href.replace(/\/$/, '') : value, hasCredentials };
}

function parseHttpUrl(field: string, value: string): URL | Checked {
  if (value.length > 2_048)
    return invalid(field, `${field} has ${value.length} characters; at most 2048 are accepted.`);
  // a URL parser drops line breaks and takes \ for /: what is stored must mean the same to every reader
  if (!/^[\x21-\x5b\x5d-\x7e]*$/.test(value))
    return invalid(
      field,
      `${field} has a blank, line break, control character, backslash or a character that is not ASCII; expected none. ` +
        'Write international host names as xn--…',
    );
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(value)?.[1];
  if (scheme === undefined || !/^https?$/i.test(scheme) || !/^https?:\/\/[^/]/i.test(value))
    return invalid(
      field,
      `${field} ${scheme === undefined ? 'has no scheme' : `has the scheme ${quoteValue(scheme, 20)}`}; expected http://host or https://host.`,
    );
  if (!URL.canParse(value))
    return invalid(
      field,
      `${field} is not a URL: its host or port cannot be parsed; expected e.g. https://registry.example:5000.`,
    );
  return new URL(value);
}

/** Hosts that are written as addresses, in whichever form: names are checked when they are resolved, at each connection. */
function checkAddress(field: string, url: URL, { allowPrivate, allowUpstream }: AddressRules): Checked {
  const host = bareHost(url.hostname);
  const addressClass = isIP(host) === 0 ? classOfName(host) : classifyAddress(host);
  if (addressClass === 'refused')
    return invalid(
      field,
      `${field} points to ${host}, a link-local, metadata, multicast or reserved address. Name another host.`,
    );
  if (addressClass === 'public' || allowPrivate || isListedHost(url, allowUpstream)) return undefined;
  return invalid(
    field,
    `${field} points to ${host}, a loopback or private address, and others can reach this server; ` +
      'the operator can allow it with TIDEMARK_ALLOW_UPSTREAM.',
  );
}

function classOfName(host: string): 'private' | 'public' | 'refused' {
  const name = host.replace(/\.$/, '');
  if (name === 'metadata.google.internal') return 'refused';
  return name === 'localhost' || name.endsWith('.localhost') ? 'private' : 'public';
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
