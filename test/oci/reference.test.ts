import { describe, expect, test } from 'vitest';
import { isTidemarkError } from '../../src/oci/error.ts';
import { isRepositoryName, parseImageReference } from '../../src/oci/reference.ts';
import { testSecret } from '../support/test-secret.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const hub = 'https://registry-1.docker.io';

describe('parseImageReference', () => {
  test.each([
    ['nginx', hub, 'library/nginx', undefined, undefined],
    ['nginx:1.25', hub, 'library/nginx', '1.25', undefined],
    ['docker.io/library/nginx', hub, 'library/nginx', undefined, undefined],
    ['docker.io/nginx', hub, 'library/nginx', undefined, undefined],
    ['index.docker.io/org/app:x', hub, 'org/app', 'x', undefined],
    ['pulp/test-fixture-1', hub, 'pulp/test-fixture-1', undefined, undefined],
    [`ghcr.io/org/app@${digest}`, 'https://ghcr.io', 'org/app', undefined, digest],
    [`ghcr.io/org/app:1.0@${digest}`, 'https://ghcr.io', 'org/app', '1.0', digest],
    ['quay.io/app', 'https://quay.io', 'app', undefined, undefined],
    ['localhost:5000/x/y:tag', 'http://localhost:5000', 'x/y', 'tag', undefined],
    ['localhost/x', 'http://localhost', 'x', undefined, undefined],
    ['127.0.0.1:5000/x', 'http://127.0.0.1:5000', 'x', undefined, undefined],
    ['[::1]:5000/x', 'http://[::1]:5000', 'x', undefined, undefined],
    ['registry.localhost:80/x', 'http://registry.localhost:80', 'x', undefined, undefined],
    ['127.0.0.1.example.com/x', 'https://127.0.0.1.example.com', 'x', undefined, undefined],
    ['registry:5000/a/b/c', 'https://registry:5000', 'a/b/c', undefined, undefined],
    ['GHCR.io/org/app', 'https://ghcr.io', 'org/app', undefined, undefined],
    ['docker://quay.io/org/app:1', 'https://quay.io', 'org/app', '1', undefined],
  ])('%s', (text, registryUrl, upstreamName, tag, expectedDigest) => {
    const parsed = parseImageReference(text);
    expect(parsed).toEqual({
      registryUrl,
      upstreamName,
      name: upstreamName,
      ...(tag === undefined ? {} : { tag }),
      ...(expectedDigest === undefined ? {} : { digest: expectedDigest }),
    });
    expect(new URL(parsed.registryUrl).origin).toMatch(/^https?:/);
  });

  test.each([
    ['', 'REFERENCE_INVALID'],
    [':tag', 'REFERENCE_INVALID'],
    ['nginx:', 'REFERENCE_INVALID'],
    ['nginx:v1,v2', 'REFERENCE_INVALID'],
    ['lo.500/x:tag', 'REFERENCE_INVALID'],
    ['1.2.3.4.5/x', 'REFERENCE_INVALID'],
    ['256.1.1.1/x', 'REFERENCE_INVALID'],
    ['https://ghcr.io/org/app', 'REFERENCE_INVALID'],
    ['ghcr.io/', 'REFERENCE_INVALID'],
    ['ghcr.io/a//b', 'REFERENCE_INVALID'],
    ['ghcr.io/../etc', 'REFERENCE_INVALID'],
    ['host:0/x', 'REFERENCE_INVALID'],
    ['host:99999/x', 'REFERENCE_INVALID'],
    ['host:50x/x', 'REFERENCE_INVALID'],
    ['-.io/x', 'REFERENCE_INVALID'],
    ['a.io?x=y/z', 'REFERENCE_INVALID'],
    ['a.io\r\n/z', 'REFERENCE_INVALID'],
    [`${'a'.repeat(300)}.io/x`, 'REFERENCE_INVALID'],
    ['app@sha256:abc', 'DIGEST_INVALID'],
    ['app@', 'DIGEST_INVALID'],
    [`app@md5:${'a'.repeat(32)}`, 'DIGEST_UNSUPPORTED'],
  ])('%.60j is refused as the caller’s mistake', (text, code) => {
    const attempt = (): unknown => parseImageReference(text);
    expect(attempt).toThrow(expect.objectContaining({ code, origin: 'caller' }) as Error);
  });

  test.each([
    ['https://quay.io/repository/org/name', 'quay.io/org/name'],
    ['https://quay.io/repository/org/name?tab=tags', 'quay.io/org/name'],
    ['https://hub.docker.com/r/org/name/tags', 'org/name'],
    ['hub.docker.com/_/nginx', 'nginx'],
  ])('the address of a web page, %s, gets the image proposed', (text, image) => {
    expect(() => parseImageReference(text)).toThrow(`Did you mean "${image}"?`);
  });

  test('capitals in a name get the lower-case name proposed', () => {
    expect(() => parseImageReference('Org/App:1.0')).toThrow('Did you mean "org/app"?');
  });

  test.each([
    `https://user:${testSecret('reference')}@ghcr.io/org/app`,
    `user:${testSecret('reference')}@ghcr.io/app`,
  ])('fault 119: a password in a reference is not repeated: %s', (text) => {
    let caught: unknown;
    try {
      parseImageReference(text);
    } catch (error) {
      caught = error;
    }
    expect(isTidemarkError(caught) && caught.code).toBe('REFERENCE_INVALID');
    expect(String(caught)).not.toContain(testSecret('reference'));
  });
});

describe('isRepositoryName: the grammar of names (distribution-spec)', () => {
  test.each([
    ['a', true],
    ['library/nginx', true],
    ['a.b/c_d/e__f/g-h/i---j', true],
    ['a'.repeat(255), true],
    ['a'.repeat(256), false],
    ['', false],
    ['A', false],
    ['a//b', false],
    ['/a', false],
    ['a/', false],
    ['a..b', false],
    ['a___b', false],
    ['-a', false],
    ['a-', false],
    ['a._b', false],
    ['../../etc/passwd', false],
    ['%2e%2e', false],
    ['a\u0000', false],
    ['a\n', false],
  ])('%.40j: %s', (text, expected) => {
    expect(isRepositoryName(text)).toBe(expected);
  });
});
