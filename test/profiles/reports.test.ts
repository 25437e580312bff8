/** Single oddities from public reports, each on a registry that is right otherwise: the whole repository is mirrored, and stays. */
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CannedAnswer } from '../support/upstream/fake-upstream.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import type { ProfileContent } from '../support/profiles/content.ts';
import { tagPage } from '../support/profiles/tag-pages.ts';
import { acr } from '../support/profiles/microsoft.ts';
import { distribution2, distribution3, zot } from '../support/profiles/self-hosted.ts';
import { harbor } from '../support/profiles/harbor.ts';
import type { RegistryProfile } from '../support/profiles/profile.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { expectWhole, openScene } from './matrix.ts';

let stack: StageWithApi;
beforeAll(async () => {
  stack = await openStageWithApi();
});
afterAll(() => stack?.close());

type Odd = (request: IncomingMessage, content: ProfileContent) => CannedAnswer | undefined;

interface Report {
  readonly source: string;
  readonly what: string;
  readonly profile: RegistryProfile;
  readonly odd?: Odd;
}

const open3: RegistryProfile = { ...distribution3, auth: { kind: 'none' }, remote: {} };

const reports: readonly Report[] = [
  {
    source: 'docker/hub-feedback#2459',
    what: 'Retry-After is a Unix time',
    profile: distribution2,
    odd: once(isManifest, () =>
      tooMany({ 'retry-after': String(Math.floor(Date.now() / 1000) + 1) }, 'application/json'),
    ),
  },
  {
    source: 'Al3169 in docker/hub-feedback#2511',
    what: 'one request is throttled in plain text, without a time to wait',
    profile: distribution2,
    odd: once(isManifest, () => tooMany({}, 'text/plain')),
  },
  {
    source: 'project-zot/zot, pkg/api/routes.go before 1.4.4',
    what: 'Link has an address without angle brackets',
    profile: { ...zot, tags: { link: ({ path, n, last }) => `${path}?n=${n}&last=${last}; rel="next"` } },
  },
  {
    source: 'fluxcd/image-reflector-controller#343',
    what: 'Link leaves out the port',
    profile: {
      ...open3,
      tags: { link: ({ path, n, last }) => `<http://127.0.0.1${path}?n=${n}&last=${last}>; rel="next"` },
    },
  },
  {
    source: 'gitlab-org/container-registry',
    what: 'Link goes to an address with a slash at its end',
    profile: {
      ...open3,
      tags: { link: ({ path, n, last }) => `<${path.replace(/\/?$/, '/')}?n=${n}&last=${last}>; rel="next"` },
    },
    odd: (request, content) => {
      const url = new URL(request.url ?? '', 'http://x');
      if (!url.pathname.endsWith('/tags/list/')) return undefined;
      return tagPage(
        { link: ({ path, n, last }) => `<${path}?n=${n}&last=${last}>; rel="next"` },
        { url, origin: '', name: 'acme/app', names: [...content.repository.tags.keys()] },
      );
    },
  },
  {
    source: 'goharbor/harbor#7853',
    what: 'manifests come as application/octet-stream',
    profile: distribution2,
    odd: withType('application/octet-stream'),
  },
  {
    source: 'distribution/distribution#2384',
    what: 'a static server: neither Docker-Content-Digest nor a type of its own',
    profile: { ...distribution2, manifests: { head: 'no-digest', statesDigest: false } },
    odd: withType('application/json'),
  },
  {
    source: 'project-zot/zot, pkg/api/routes.go',
    what: 'HEAD of a manifest has Content-Length 0',
    profile: { ...distribution2, manifests: { head: 'no-length' } },
  },
  {
    source: 'andrey-pohilko/registry-cli#43',
    what: 'HEAD of a manifest is 404 where GET is 200',
    profile: { ...distribution2, manifests: { head: 'missing' } },
  },
  {
    source: 'kubernetes/registry.k8s.io#324',
    what: 'what a signature tag names is 404 by its digest, in another region',
    profile: { ...distribution2, referrers: { kind: 'phantom', status: 404 } },
    odd: (request, { repository }) =>
      [...repository.tags].some(([tag, digest]) => tag.endsWith('.sig') && request.url?.endsWith(digest))
        ? json({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }, {}, 404)
        : undefined,
  },
  {
    source: 'quay/quay#2884',
    what: 'n above 100 is refused with 413',
    profile: { ...open3, tags: { ...open3.tags, refusesAbove: { n: 100, status: 413, code: 'TAG_LIMIT' } } },
  },
  {
    source: 'pulp/pulp_container#2049',
    what: 'the token of the first page does not open the next one',
    profile: {
      ...harbor,
      auth: {
        ...acr.auth,
        path: '/token',
        service: 'pulp',
        username: 'robot$mirror',
        scope: (resource, name) =>
          resource === 'ping' ? undefined : `repository:${name}:${resource === 'tags' ? 'list' : 'pull'}`,
        needs: (resource) => (resource === 'ping' ? undefined : resource === 'tags' ? 'list' : 'pull'),
      } as RegistryProfile['auth'],
    },
  },
  {
    source: 'docker-archive/migrator#96 and others',
    what: 'a name is listed twice',
    profile: {
      ...distribution2,
      tags: { extra: (names) => ({ tags: [...names, ...names] }) },
    },
  },
  {
    source: 'aws/containers-roadmap#2671',
    what: 'the host of the blobs answers 403 once, as where a signature has run out',
    profile: distribution2,
    odd: once(
      (request) => request.url?.includes('/blobs/') === true,
      () => ({ status: 503, headers: { 'content-type': 'text/html' }, body: '<html>slow down</html>' }),
    ),
  },
];

describe('oddities of registries', () => {
  test.each(reports)('$what ($source)', async ({ profile, odd }) => {
    const scene = await openScene(stack, profile, { odd: bind(odd) });
    await scene.sync();
    await expectWhole(scene, 1);
    const { task } = await scene.sync({ mirror: true });
    expect(task.createdVersion).toBeNull();
    await expectWhole(scene, 1);
  });
});

function bind(odd: Odd | undefined): Odd {
  return odd ?? (() => undefined);
}

function isManifest({ url }: IncomingMessage): boolean {
  return url?.includes('/manifests/') === true;
}

/** The first such request alone. */
function once(which: (request: IncomingMessage) => boolean, give: () => CannedAnswer): Odd {
  const seen = new WeakSet<ProfileContent>();
  return (request, content) => {
    if (!which(request) || seen.has(content)) return undefined;
    seen.add(content);
    return give();
  };
}

function tooMany(headers: Record<string, string>, type: string): CannedAnswer {
  return { status: 429, headers: { 'content-type': type, ...headers }, body: 'Too Many Requests (HAP429).' };
}

/** Manifests with this Content-Type, whatever they are. */
function withType(type: string): Odd {
  return (request, { repository }) => {
    const reference = request.url?.split('/').at(-1) ?? '';
    const digest = repository.tags.get(reference) ?? reference;
    const found = [...repository.manifests.values()].find((manifest) => manifest.digest === digest);
    if (!isManifest(request) || found === undefined) return undefined;
    return { headers: { 'content-type': type }, body: found.bytes };
  };
}
