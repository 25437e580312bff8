import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * `refused`: never connected to (link-local with the cloud metadata services, unspecified, multicast, reserved);
 * `private`: loopback and private networks, by permission; `public`: everything else.
 */
export type AddressClass = 'public' | 'private' | 'refused';

const refused = blockList(
  ['0.0.0.0/8', '169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '224.0.0.0/4', '240.0.0.0/4'],
  ['::/128', 'fe80::/10', 'fec0::/10', 'fd00:ec2::254/128', 'ff00::/8'],
);
const privateNetworks = blockList(
  [
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
  ],
  ['::1/128', 'fc00::/7'],
);

/** The class of an IP address in text; anything that is no IP address is `refused`. */
export function classifyAddress(address: string): AddressClass {
  const plain = embeddedIpv4(address) ?? withoutZone(address);
  const family = isIP(plain);
  if (family === 0) return 'refused';
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (refused.check(plain, type)) return 'refused';
  return privateNetworks.check(plain, type) ? 'private' : 'public';
}

/** The host of a URL without the brackets of an IPv6 address. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
}

/**
 * Whether rules of the form `host`, `*.domain`, `host:port` or `network/prefix` name the host of a URL, or the address that it is written as.
 * All are in lower case.
 */
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

/** Whether rules of the same form name an address that a name has led to: those that are addresses or networks themselves. */
export function isListedAddress(address: string, rules: readonly string[]): boolean {
  const plain = embeddedIpv4(address) ?? withoutZone(address);
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

/** IPv4 inside IPv6: mapped `::ffff:a.b.c.d`, compatible `::a.b.c.d`, NAT64 `64:ff9b::/96`, 6to4 `2002::/16`. */
function embeddedIpv4(address: string): string | undefined {
  const groups = ipv6Groups(withoutZone(address));
  if (groups === undefined) return undefined;
  const [first, second, third, fourth, fifth, sixth, high = 0, low = 0] = groups;
  if (first === 0x2002) return ipv4Text(second ?? 0, third ?? 0);
  const zeroMiddle = third === 0 && fourth === 0 && fifth === 0;
  if (first === 0x64 && second === 0xff9b && zeroMiddle && sixth === 0) return ipv4Text(high, low);
  if (first !== 0 || second !== 0 || !zeroMiddle) return undefined;
  if (sixth === 0xffff) return ipv4Text(high, low);
  // `::` and `::1` are addresses of their own.
  return sixth === 0 && (high !== 0 || low > 1) ? ipv4Text(high, low) : undefined;
}

function ipv6Groups(address: string): number[] | undefined {
  if (!isIPv6(address)) return undefined;
  // URL writes any IPv6 address as groups of hexadecimal digits with one `::`.
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

/** Without what names a network card: `fe80::1%eth0`. */
export function withoutZone(address: string): string {
  return address.split('%', 1)[0] ?? address;
}

function blockList(ipv4: readonly string[], ipv6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [type, ranges] of [
    ['ipv4', ipv4],
    ['ipv6', ipv6],
  ] as const)
    for (const range of ranges) {
      const [network = '', prefix] = range.split('/');
      list.addSubnet(network, Number(prefix), type);
    }
  return list;
}
