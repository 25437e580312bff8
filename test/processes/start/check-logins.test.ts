import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { allowsPrivateUpstreams } from '../../../src/processes/checks/check-logins.ts';

test.each([
  [{}, true],
  [{ TIDEMARK_HOST: '::1' }, true],
  [{ TIDEMARK_AUTH: 'off' }, true],
  [{ TIDEMARK_PUBLIC_URL: 'http://localhost:4000' }, true],
  [{ TIDEMARK_HOST: '0.0.0.0', TIDEMARK_AUTH: 'tokens' }, false],
  [{ TIDEMARK_AUTH: 'tokens' }, false],
  [
    {
      TIDEMARK_AUTH: 'oidc',
      TIDEMARK_OIDC_ISSUER: 'https://login.example',
      TIDEMARK_OIDC_AUDIENCE: 'tidemark',
    },
    false,
  ],
  [{ TIDEMARK_PUBLIC_URL: 'https://registry.example', TIDEMARK_AUTH: 'off' }, false],
  [{ TIDEMARK_DOCKER_HUB_URL: 'http://127.0.0.1:5000' }, true],
  [{ TIDEMARK_DOCKER_HUB_URL: 'https://hub.example', TIDEMARK_AUTH: 'off' }, false],
])('upstreams on private addresses need no TIDEMARK_ALLOW_UPSTREAM with %j: %s', (env, expected) => {
  expect(allowsPrivateUpstreams(loadConfig(env))).toBe(expected);
});
