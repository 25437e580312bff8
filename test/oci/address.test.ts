import { describe, expect, test } from 'vitest';
import { isListedAddress, isListedHost } from '../../src/oci/address.ts';

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
