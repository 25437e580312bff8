/** Plays a registry by its profile, on real ports of loopback. What no client should ask of it fails the test that looks. */
import type { IncomingMessage } from 'node:http';
import type { Digest } from '../../../src/oci/digest.ts';
import { openFakeUpstream, send } from '../upstream/fake-upstream.ts';
import type { CannedAnswer, FakeUpstream, RecordedRequest } from '../upstream/fake-upstream.ts';
import { createGate } from './auth.ts';
import type { Gate } from './auth.ts';
import { openBlobHost } from './blob-host.ts';
import type { BlobHost } from './blob-host.ts';
import type { ProfileContent } from './content.ts';
import { manifestAnswer, notFound, referrersAnswer } from './resources.ts';
import type { RegistryProfile, Resource } from './profile.ts';
import { tagPage } from './tag-pages.ts';

export interface PlayedRegistry extends AsyncDisposable {
  /** For the remote, base path included. */
  readonly url: string;
  readonly upstreamName: string;
  /** Requests that came to the registry itself. */
  requestsFor(resource: Resource, method?: 'GET' | 'HEAD'): readonly RecordedRequest[];
  forgetRequests(): void;
  /** @throws with the line of each request that no client should have sent. */
  assertExpected(): void;
}

/** What the parts of a played registry share. */
export interface Playing {
  readonly profile: RegistryProfile;
  readonly content: ProfileContent;
  readonly blobs: BlobHost;
  readonly gate: Gate;
  /** GETs of manifests so far, for the counting of windows. */
  countedGets: number;
  /** Where referrers are redirected to. */
  readonly elsewhereUrl: () => string;
  readonly complain: (request: IncomingMessage, why: string) => CannedAnswer;
}

const foreignHost = '127.0.0.2';

export async function openRegistryProfile(
  profile: RegistryProfile,
  content: ProfileContent,
  /** Looked at before the profile; undefined: the profile answers. */
  odd: (request: IncomingMessage) => CannedAnswer | undefined = () => undefined,
): Promise<PlayedRegistry> {
  const hosts = createHosts();
  const { auth } = profile;
  const blobs = await openBlobHost({ profile, content, ...hosts });
  const realm =
    auth.kind === 'bearer' && auth.at !== undefined && auth.at !== 'registry'
      ? await hosts.open(
          (request) => token(playing, request),
          auth.at === 'foreign' ? foreignHost : undefined,
        )
      : undefined;
  const elsewhere =
    profile.referrers.kind === 'redirect'
      ? await hosts.openForeign(() => elsewhereAnswer(profile))
      : undefined;
  const back: FakeUpstream | undefined =
    profile.redirectsTo === undefined
      ? undefined
      : await hosts.openForeign((request) =>
          answer({ ...playing, gate: createGate({ kind: 'none' }, '', () => '') }, request, {
            name: `${profile.redirectsTo}${profile.upstreamName}`,
            origin: back?.url ?? '',
          }),
        );
  const playing: Playing = {
    profile,
    content,
    blobs,
    gate: createGate(auth, profile.upstreamName, () => (realm ?? front).url),
    countedGets: 0,
    elsewhereUrl: () => elsewhere?.url ?? '',
    complain: hosts.complain,
  };
  const front: FakeUpstream = await hosts.open(
    (request) =>
      odd(request) ??
      (back === undefined
        ? answer(playing, request, { name: profile.upstreamName, origin: front.url })
        : redirectAll(playing, request, back.url)),
  );
  return played(profile, hosts, front);
}

type Hosts = ReturnType<typeof createHosts>;
type HostAnswer = (request: IncomingMessage) => CannedAnswer;

/** The servers of one played registry, and what they complain of. */
function createHosts() {
  const complaints: string[] = [];
  const servers: FakeUpstream[] = [];
  const complain = (request: IncomingMessage, why: string): CannedAnswer => {
    complaints.push(`unexpected request: ${request.method} ${request.url}: ${why}`);
    return { status: 418, body: why };
  };
  const open = async (give: HostAnswer, host?: string): Promise<FakeUpstream> => {
    const server = await openFakeUpstream({
      fallback: (request, response) => send(request, response, give(request)),
      ...(host === undefined ? {} : { host }),
    });
    servers.push(server);
    return server;
  };
  /** A host that is none of the registry's own: nothing that may be a secret goes there. */
  const openForeign = async (give: HostAnswer): Promise<FakeUpstream> =>
    open((request) => {
      const { authorization, cookie } = request.headers;
      if (authorization !== undefined || cookie !== undefined)
        return complain(request, 'a secret was sent to another host');
      return give(request);
    }, foreignHost);
  return { complaints, servers, complain, open, openForeign };
}

function played(
  profile: RegistryProfile,
  { complaints, servers }: Hosts,
  front: FakeUpstream,
): PlayedRegistry {
  return {
    url: `${front.url}${profile.basePath ?? ''}`,
    upstreamName: profile.upstreamName,
    requestsFor: (resource, method) =>
      front.requests.filter(
        (request) => resourceOf(request.path) === resource && (method ?? request.method) === request.method,
      ),
    forgetRequests: () => servers.forEach(({ requests }) => (requests.length = 0)),
    assertExpected() {
      const lines = [...complaints, ...servers.flatMap(({ unexpected }) => unexpected)];
      if (lines.length > 0) throw new Error(lines.join('\n'));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

interface Place {
  readonly name: string;
  readonly origin: string;
}

function answer(playing: Playing, request: IncomingMessage, { name, origin }: Place): CannedAnswer {
  const { profile, content, gate, complain } = playing;
  const url = new URL(request.url ?? '', origin);
  const base = profile.basePath ?? '';
  const tokenPath = profile.auth.kind === 'bearer' ? profile.auth.path : undefined;
  if (url.pathname === tokenPath) return token(playing, request);
  if (url.pathname === `${base}/v2/`)
    return gate.refuse(request, 'ping') ?? withHeaders(profile, { body: '{}' });
  const prefix = `${base}/v2/${name}/`;
  const resource = url.pathname.startsWith(prefix) ? resourceOf(url.pathname) : undefined;
  // an address that the registry itself wrote into a wrong Link is answered as it answers it
  if (resource === undefined && url.pathname.endsWith('/tags/list') && profile.tags.link !== undefined)
    return notFound(profile);
  if (resource === undefined) return complain(request, `this registry serves ${prefix}`);
  if (request.method !== 'GET' && !(request.method === 'HEAD' && resource === 'manifests'))
    return complain(request, `${request.method} of ${resource}`);
  const refused = gate.refuse(request, resource);
  if (refused !== undefined) return withHeaders(profile, refused);
  const reference = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
  if (resource === 'tags')
    return withHeaders(
      profile,
      tagPage(profile.tags, { url, origin, name, names: [...content.repository.tags.keys()] }),
    );
  if (resource === 'manifests') return withHeaders(profile, manifestAnswer(playing, request, reference));
  if (resource === 'referrers') return withHeaders(profile, referrersAnswer(playing, reference as Digest));
  return withHeaders(profile, playing.blobs.answer(request, reference as Digest));
}

function token({ gate, complain }: Playing, request: IncomingMessage): CannedAnswer {
  const { answer: given, complaint } = gate.token(new URL(request.url ?? '', 'http://token'), request);
  return complaint === undefined ? given : complain(request, complaint);
}

/** kubernetes/registry.k8s.io, cmd/archeio/internal/app/handlers.go: the query is dropped, a trace id is added. */
function redirectAll(playing: Playing, request: IncomingMessage, backUrl: string): CannedAnswer {
  const { profile, gate, complain } = playing;
  const { pathname } = new URL(request.url ?? '', 'http://front');
  if (profile.auth.kind === 'bearer' && pathname === profile.auth.path) return token(playing, request);
  if (pathname === '/v2/') return gate.refuse(request, 'ping') ?? { body: '' };
  const resource = resourceOf(pathname);
  if (resource === undefined) return complain(request, 'no resource of a registry');
  if (resource === 'referrers') return notFound(profile);
  if (resource === 'blobs') return playing.blobs.answer(request, pathname.split('/').at(-1) as Digest);
  const location = `${backUrl}/v2/${profile.redirectsTo}${pathname.slice('/v2/'.length)}?rid=0af7651916cd43dd8448eb211c80319c`;
  return { status: 307, headers: { location } };
}

function elsewhereAnswer({ referrers }: RegistryProfile): CannedAnswer {
  if (referrers.kind !== 'redirect') return { status: 404 };
  const { status, contentType, body } = referrers.elsewhere;
  return { status, headers: { 'content-type': contentType }, body };
}

function resourceOf(path: string): Resource | undefined {
  if (path.endsWith('/v2/')) return 'ping';
  const [, found] = /\/(tags|manifests|blobs|referrers)\/[^/]+$/.exec(path.split('?', 1)[0] ?? '') ?? [];
  return found as Resource | undefined;
}

function withHeaders({ headers }: RegistryProfile, given: CannedAnswer): CannedAnswer {
  return headers === undefined ? given : { ...given, headers: { ...headers, ...given.headers } };
}
