import { BlockList, isIP, isIPv6 } from 'node:net';
import { globalUnicast, privateRanges, refusedRanges } from './address-ranges.ts';

/**
 * `refused`: never allowed (link-local with the cloud metadata services, unspecified, multicast, reserved). `private`: loopback and private
 * networks, by permission. `public`: all others.
 */
export type AddressClass = 'public' | 'private' | 'refused';

/** The class of an IP address; any other text is `refused`. */
export function classifyAddress(address: string): AddressClass {
  const plain = withoutZone(address);
  const embedded = embeddedIpv4(plain);
  if (embedded?.isWhole === true) return classOf(embedded.address);
  const outer = classOf(plain);
  return embedded === undefined ? outer : stricter(outer, classOf(embedded.address));
}

function classOf(address: string): AddressClass {
  const family = isIP(address);
  if (family === 0) return 'refused';
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (refusedRanges.check(address, type)) return 'refused';
  if (privateRanges.check(address, type)) return 'private';
  return family === 4 || globalUnicast.check(address, type) ? 'public' : 'refused';
}

function stricter(left: AddressClass, right: AddressClass): AddressClass {
  if (left === 'refused' || right === 'refused') return 'refused';
  return left === 'private' ? left : right;
}

/** The host of a URL without the brackets of an IPv6 address. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
}

/** Whether rules of the form `host`, `*.domain`, `host:port` or `network/prefix`, in lower case, match the host of a URL. */
export function isListedHost(url: URL, rules: readonly string[]): boolean {
  const host = bareHost(url.hostname);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return rules.some((rule) => {
    if (
      rule === host ||
      rule === `${url.hostname}:${port}` ||
      (rule.startsWith('*.') && host.endsWith(rule.slice(1)))
    )
      return true;
    return isInNetwork(host, rule);
  });
}

/** Whether the addresses and networks among the rules match a resolved address. */
export function isListedAddress(address: string, rules: readonly string[]): boolean {
  const bare = withoutZone(address);
  const embedded = embeddedIpv4(bare);
  const plain = embedded?.isWhole === true ? embedded.address : bare;
  return rules.some((rule) => rule === plain || isInNetwork(plain, rule));
}

function isInNetwork(address: string, rule: string): boolean {
  const [network = '', prefix] = rule.split('/');
  const family = isIP(network);
  if (prefix === undefined || family === 0 || isIP(address) !== family) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, Number(prefix), type);
  return list.check(address, type);
}

interface EmbeddedIpv4 {
  readonly address: string;
  /** Whether the IPv6 address means only the IPv4 one. Otherwise its prefix counts too. */
  readonly isWhole: boolean;
}

/**
 * IPv4 in IPv6: mapped `::ffff:a.b.c.d`, translated `::ffff:0:a.b.c.d`, compatible `::a.b.c.d`, NAT64 `64:ff9b::/96` and
 * `64:ff9b:1::/48`, 6to4 `2002::/16`, ISATAP `…:0:5efe:a.b.c.d`.
 */
function embeddedIpv4(address: string): EmbeddedIpv4 | undefined {
  const groups = ipv6Groups(address);
  if (groups === undefined) return undefined;
  const [first, second, third, fourth, fifth, sixth, high = 0, low = 0] = groups;
  const last = ipv4Text(high, low);
  if (first === 0x2002) return { address: ipv4Text(second ?? 0, third ?? 0), isWhole: true };
  if (sixth === 0x5efe && (fifth === 0 || fifth === 0x200)) return { address: last, isWhole: false };
  if (first === 0x64 && second === 0xff9b && third === 1) return { address: last, isWhole: false };
  const middle = [third, fourth, fifth, sixth].join();
  if (first === 0x64 && second === 0xff9b && middle === '0,0,0,0') return { address: last, isWhole: true };
  if (first !== 0 || second !== 0) return undefined;
  if (middle === '0,0,0,65535' || middle === '0,0,65535,0') return { address: last, isWhole: true };
  // `::` and `::1` are addresses of their own.
  return middle === '0,0,0,0' && (high !== 0 || low > 1) ? { address: last, isWhole: true } : undefined;
}

function ipv6Groups(address: string): number[] | undefined {
  if (!isIPv6(address)) return undefined;
  // URL normalizes an IPv6 address to groups of hexadecimal digits with one `::`.
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return [...left, ...zeros, ...right];
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

function ipv4Text(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Removes the zone: `fe80::1%eth0`. */
export function withoutZone(address: string): string {
  return address.split('%', 1)[0] ?? address;
}
