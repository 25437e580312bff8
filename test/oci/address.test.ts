import { describe, expect, test } from 'vitest';
import { classifyAddress, isListedAddress, isListedHost } from '../../src/oci/hosts/address.ts';

const rules = ['ports.lan:5000', 'registry.lan', '*.corp.lan', '10.1.2.3:5000', '10.9.0.0/16', 'fd00::/8'];

describe('which hosts TIDEMARK_ALLOW_UPSTREAM names', () => {
  test.each([
    ['http://ports.lan:5000', true],
    ['http://ports.lan', false],
    ['http://registry.lan:5000', true],
    ['https://other.registry.lan', false],
    ['https://images.corp.lan', true],
    ['https://a.b.corp.lan', true],
    ['https://corp.lan', false],
    ['https://evilcorp.lan', false],
    ['http://10.1.2.3:5000', true],
    ['http://10.1.2.3', false],
    ['http://10.9.8.7', true],
    ['http://10.10.8.7', false],
    ['http://[fd12::1]:5000', true],
    ['http://[fe80::1]', false],
  ])('%s: %s', (url, isListed) => {
    expect(isListedHost(new URL(url), rules)).toBe(isListed);
  });

  test.each([
    ['10.9.8.7', true],
    ['::ffff:10.9.8.7', true],
    ['10.10.8.7', false],
    ['10.1.2.3', false],
    ['fd12::1', true],
    ['127.0.0.1', false],
  ])('a name that leads to %s: %s', (address, isListed) => {
    expect(isListedAddress(address, rules)).toBe(isListed);
  });
});

/** https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry: first and last address of each row. */
const specialPurpose: readonly (readonly [string, string, 'public' | 'private' | 'refused'])[] = [
  ['0.0.0.0', '0.255.255.255', 'refused'],
  ['10.0.0.0', '10.255.255.255', 'private'],
  ['100.64.0.0', '100.127.255.255', 'private'],
  ['127.0.0.0', '127.255.255.255', 'private'],
  ['169.254.0.0', '169.254.255.255', 'refused'],
  ['172.16.0.0', '172.31.255.255', 'private'],
  ['192.0.0.0', '192.0.0.255', 'private'],
  ['192.0.2.0', '192.0.2.255', 'private'],
  ['192.31.196.0', '192.31.196.255', 'public'],
  ['192.52.193.0', '192.52.193.255', 'public'],
  ['192.88.99.0', '192.88.99.255', 'refused'],
  ['192.168.0.0', '192.168.255.255', 'private'],
  ['192.175.48.0', '192.175.48.255', 'public'],
  ['198.18.0.0', '198.19.255.255', 'private'],
  ['198.51.100.0', '198.51.100.255', 'private'],
  ['203.0.113.0', '203.0.113.255', 'private'],
  ['224.0.0.0', '239.255.255.255', 'refused'],
  ['240.0.0.0', '255.255.255.255', 'refused'],
  ['::1', '::1', 'private'],
  ['::', '::', 'refused'],
  ['::ffff:0.0.0.0', '::ffff:255.255.255.255', 'refused'],
  ['64:ff9b::8.8.8.8', '64:ff9b::1.1.1.1', 'public'],
  ['64:ff9b:1::8.8.8.8', '64:ff9b:1:ffff:ffff:ffff:8.8.8.8', 'private'],
  ['100::', '100::ffff:ffff:ffff:ffff', 'refused'],
  ['100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff', 'refused'],
  ['2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', 'refused'],
  ['2001:1::1', '2001:1::3', 'private'],
  ['2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['2001:10::', '2001:1f:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['2001:20::', '2001:2f:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:1ff::', 'private'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['2002:808:808::', '2002:101:101::1', 'public'],
  ['2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff', 'public'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'refused'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'private'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'refused'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'refused'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'refused'],
];

/** The bytes of 10.1.2.3 and 169.254.169.254 in every form that carries IPv4 inside IPv6. */
const carriers: readonly (readonly [string, string, string])[] = [
  ['mapped', '::ffff:10.1.2.3', '::ffff:169.254.169.254'],
  ['mapped, written in full', '0:0:0:0:0:ffff:0a01:0203', '0000:0000:0000:0000:0000:FFFF:A9FE:A9FE'],
  ['translated (an extra group)', '::ffff:0:10.1.2.3', '::ffff:0:169.254.169.254'],
  ['compatible', '::10.1.2.3', '::169.254.169.254'],
  ['NAT64', '64:ff9b::10.1.2.3', '64:ff9b::a9fe:a9fe'],
  ['NAT64 of local use', '64:ff9b:1::10.1.2.3', '64:ff9b:1::a9fe:a9fe'],
  ['6to4', '2002:a01:203::1', '2002:a9fe:a9fe::1'],
  ['ISATAP', '2606:4700::5efe:10.1.2.3', '2606:4700::5efe:169.254.169.254'],
  ['ISATAP, the universal bit set', '2606:4700::200:5efe:10.1.2.3', '2606:4700::200:5efe:169.254.169.254'],
  ['with a zone', '::ffff:10.1.2.3%eth0', 'fe80::1%2'],
];

describe('the class of an address', () => {
  test.each(specialPurpose)('IANA special-purpose %s to %s is %s', (first, last, expected) => {
    expect([classifyAddress(first), classifyAddress(last)]).toEqual([expected, expected]);
  });

  test.each(carriers)('IPv4 inside IPv6, %s', (_form, insidePrivate, insideRefused) => {
    expect(classifyAddress(insidePrivate)).toBe('private');
    expect(classifyAddress(insideRefused)).toBe('refused');
  });

  test.each([
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fd00:42::42',
    '4000::1',
    '8000::1',
    'e000::1',
  ])('%s, a metadata service or unassigned, is refused', (address) => {
    expect(classifyAddress(address)).toBe('refused');
  });

  test.each(['8.8.8.8', '192.0.1.1', '2606:4700::1111', '2a00:1450:4001::1', '2001:4860:4860::8888'])(
    '%s is public',
    (address) => {
      expect(classifyAddress(address)).toBe('public');
    },
  );
});
