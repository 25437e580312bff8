import { describe, expect, test } from 'vitest';
import { registryBaseUrl, upstreamRepository } from '../../src/oci/hosts/registry-address.ts';

const hub = 'https://registry-1.docker.io';

describe('the base URL of a registry, as it is pasted', () => {
  test.each([
    ['https://registry.example', 'https://registry.example'],
    ['https://registry.example/', 'https://registry.example'],
    ['https://registry.example///', 'https://registry.example'],
    ['http://registry.example/v2', 'http://registry.example'],
    ['http://registry.example:5000/v2/', 'http://registry.example:5000'],
    ['https://registry.example/artifactory/docker/v2/', 'https://registry.example/artifactory/docker'],
    ['https://registry.example/v2/mirror', 'https://registry.example/v2/mirror'],
    ['HTTPS://Registry.EXAMPLE:443/Path/', 'https://registry.example/Path'],
    ['http://registry.example:80', 'http://registry.example'],
    ['https://docker.io', hub],
    ['http://docker.io/', hub],
    ['https://index.docker.io/v1/', hub],
    ['https://index.docker.io/v2/', hub],
    ['https://registry.hub.docker.com', hub],
    ['https://hub.docker.com', hub],
    ['https://registry-1.docker.io/', hub],
    ['https://docker.io.example', 'https://docker.io.example'],
    ['https://user:pw@registry.example/v2/', 'https://user:pw@registry.example/v2/'],
    ['https://registry.example?x=/v2/', 'https://registry.example?x=/v2/'],
    ['ftp://docker.io', 'ftp://docker.io'],
    ['no url', 'no url'],
    ['https:/docker.io', 'https:/docker.io'],
    ['https://docker.io/\r\n', 'https://docker.io/\r\n'],
    ['https://docker.io\\v2', 'https://docker.io\\v2'],
    ['https://user@docker.io', 'https://user@docker.io'],
  ])('%s is %s', (pasted, expected) => {
    expect(registryBaseUrl(pasted)).toBe(expected);
    expect(registryBaseUrl(expected)).toBe(expected);
  });
});

describe('the name of a repository at its registry, as it is pasted', () => {
  test.each([
    [hub, 'nginx', 'library/nginx'],
    [hub, 'library/nginx', 'library/nginx'],
    [hub, 'docker.io/nginx', 'library/nginx'],
    [hub, 'index.docker.io/org/app', 'org/app'],
    ['https://ghcr.io', 'ghcr.io/org/app', 'org/app'],
    ['https://ghcr.io', 'app', 'app'],
    ['https://ghcr.io', 'quay.io/org/app', 'quay.io/org/app'],
    ['http://127.0.0.1:5000', 'nginx', 'nginx'],
    [hub, '', ''],
  ])('at %s, %s is %s', (url, pasted, expected) => {
    expect(upstreamRepository(url, pasted)).toBe(expected);
  });
});
