import { describe, expect, test } from 'vitest';
import { isListedHost } from '../../src/oci/address.ts';

const rules = ['registry.lan', '*.corp.lan', '10.1.2.3:5000', '10.9.0.0/16', 'fd00::/8'];

describe('which hosts TIDEMARK_ALLOW_UPSTREAM names', () => {
  test.each([
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
});
