import { BlockList } from 'node:net';

/** Ranges without upstreams: link-local with the clouds' metadata services, unspecified, multicast, reserved, and tunnels with unknown targets. */
export const refusedRanges = blockList(
  [
    '0.0.0.0/8',
    '169.254.0.0/16',
    '192.88.99.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
    // Metadata and host services of Alibaba Cloud, Azure and Oracle Cloud
    '100.100.100.200/32',
    '168.63.129.16/32',
    '192.0.0.192/32',
  ],
  [
    '::/128',
    '100::/64',
    '100:0:0:1::/64',
    '2001::/32',
    '5f00::/16',
    'fe80::/10',
    'fec0::/10',
    'ff00::/8',
    // Metadata services of AWS, Google Cloud and Scaleway
    'fd00:ec2::254/128',
    'fd20:ce::254/128',
    'fd00:42::42/128',
  ],
);

/** Loopback, private networks, and other ranges that IANA's special-purpose registries do not call globally reachable. */
export const privateRanges = blockList(
  [
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
  ],
  ['::1/128', '64:ff9b:1::/48', '2001::/23', '2001:db8::/32', '3fff::/20', 'fc00::/7'],
);

/** The range of global unicast addresses; all other IPv6 is special or reserved. */
export const globalUnicast = blockList([], ['2000::/3']);

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
