import type { IncomingMessage } from 'node:http';
import type { CannedAnswer } from '../upstream/fake-upstream.ts';
import { json } from '../upstream/fake-upstream.ts';
import { testSecret } from '../test-secret.ts';
import type { AuthBehavior, BearerAuth, Resource } from './profile.ts';

export const profilePassword = testSecret('profile-password');

export interface Gate {
  /** The answer to a request that may not pass; undefined where it may. */
  refuse(request: IncomingMessage, resource: Resource): CannedAnswer | undefined;
  /** The token service. `complaint` where no client should have asked so. */
  token(url: URL, request: IncomingMessage): { readonly answer: CannedAnswer; readonly complaint?: string };
}

export function createGate(auth: AuthBehavior, name: string, realmOrigin: () => string): Gate {
  const issued = new Map<string, ReadonlySet<string>>();
  return {
    refuse(request, resource) {
      const sent = request.headers.authorization;
      if (auth.kind === 'none') return undefined;
      if (auth.kind === 'basic')
        return sent === basic(auth.username) ? undefined : unauthorized(auth.challenge);
      if (auth.open?.includes(resource) === true) return undefined;
      const actions = sent === undefined ? undefined : issued.get(sent);
      const needed = auth.needs === undefined ? 'pull' : auth.needs(resource);
      if (actions !== undefined && (needed === undefined || actions.has(needed))) return undefined;
      const challenge = bearerChallenge(auth, realmOrigin(), auth.scope(resource, name));
      if (actions !== undefined && auth.challengeToToken !== undefined)
        return unauthorized(auth.challengeToToken);
      return unauthorized(auth.alsoChallenges === undefined ? challenge : [challenge, auth.alsoChallenges]);
    },
    token(url, request) {
      if (auth.kind !== 'bearer') return { answer: { status: 404 }, complaint: 'no token is needed here' };
      const service = url.searchParams.get('service') ?? undefined;
      if (service !== auth.service)
        return {
          answer: { status: 400 },
          complaint: `service ${String(service)}, expected ${String(auth.service)}`,
        };
      const sent = request.headers.authorization;
      if (auth.username === undefined ? sent !== undefined : sent !== basic(auth.username))
        return { answer: unauthorized('Basic realm="token"') };
      const scopes = url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
      const actions = new Set<string>();
      for (const scope of scopes) {
        const [type, repository, wanted = ''] = scope.split(':');
        // a scope of another repository than the caller's is refused, as GHCR does with its placeholder (cloudflare/serverless-registry#148)
        if (type === 'repository' && repository !== name)
          return { answer: json({ errors: [{ code: 'DENIED', message: 'denied' }] }, {}, 403) };
        for (const action of wanted.split(',')) actions.add(action);
      }
      const token = testSecret(`token-${issued.size}-${name.replaceAll('/', '-')}`);
      issued.set(`Bearer ${token}`, actions);
      return { answer: json(tokenBody(auth, token)) };
    },
  };
}

function tokenBody({ field = 'token', expiresIn }: BearerAuth, token: string): object {
  return {
    ...(field === 'access_token' ? {} : { token }),
    ...(field === 'token' ? {} : { access_token: token }),
    ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
  };
}

function bearerChallenge(auth: BearerAuth, origin: string, scope: string | undefined): string {
  const parts = [`realm="${origin}${auth.path}"`];
  if (auth.service !== undefined) parts.push(`service="${auth.service}"`);
  if (scope !== undefined) parts.push(`scope="${scope}"`);
  return `Bearer ${parts.join(',')}`;
}

function unauthorized(challenge: string | string[]): CannedAnswer {
  return json(
    { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] },
    { 'www-authenticate': challenge },
    401,
  );
}

function basic(username: string): string {
  return `Basic ${Buffer.from(`${username}:${profilePassword}`).toString('base64')}`;
}
