import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { json } from './fake-upstream.ts';
import type { Answer, FakeUpstream } from './fake-upstream.ts';
import { testSecret } from '../test-secret.ts';
import type { openClient } from '../../registry/open-client.ts';
import { manifestOf } from '../../registry/open-client.ts';

export const { answer, digest } = manifestOf();
export const manifestPath = '/v2/library/app/manifests/latest';
export const listPath = '/v2/library/app/tags/list';
export const referrersPath = `/v2/library/app/referrers/${digestBytes(Buffer.from('subject'))}`;
export const subject = digestBytes(Buffer.from('subject'));
export const login = { username: 'user', password: testSecret('registry-password') };
export const tags = json({ name: 'library/app', tags: ['latest'] });

/** Answers with what is there to the tokens of one scope, and challenges all others. */
export function guard(upstream: FakeUpstream, path: string, scope: string, content: Answer): void {
  upstream.on(`GET ${path}`, (request, response) => {
    if (request.headers.authorization === `Bearer token-of-${scope}` && typeof content !== 'function') {
      response.writeHead(content.status ?? 200, content.headers as Record<string, string>).end(content.body);
      return;
    }
    const field = `Bearer realm="${upstream.url}/token",service="s",scope="${scope}"`;
    response.writeHead(401, { 'www-authenticate': field }).end();
  });
}

/** The token service; it refuses these scopes. */
export function serveTokens(upstream: FakeUpstream, ...refused: string[]): void {
  upstream.on('GET /token', (request, response) => {
    const scope = new URL(request.url ?? '', upstream.url).searchParams.get('scope') ?? '';
    if (refused.includes(scope)) response.writeHead(403).end();
    else response.end(JSON.stringify({ token: `token-of-${scope}`, expires_in: 300 }));
  });
}

export function tokensAsked(upstream: FakeUpstream): (string | null)[] {
  return upstream
    .requestsOf('GET /token')
    .map(({ path }) => new URL(path, upstream.url).searchParams.get('scope'));
}

export async function listAll(registry: ReturnType<typeof openClient>): Promise<string[]> {
  const names: string[] = [];
  for await (const page of registry.listTags()) names.push(...page.names);
  return names;
}
