/** An OIDC issuer: a real server that can be told to misbehave, for bearer tokens and for logins of browsers. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { JWK } from 'jose';

export const keys = await generateKeyPair('RS256', { extractable: true });
const jwk: JWK = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };

export interface Claims {
  readonly [claim: string]: unknown;
}

export interface Issuer {
  readonly url: string;
  readonly asked: string[];
  /** What it answers instead. */
  answer:
    | ((path: string) => { status?: number; body: string; headers?: Record<string, string> } | undefined)
    | undefined;
  /** The claims of the next ID token, over the usual ones; its header and key. */
  idToken: { claims?: Claims; key?: Parameters<SignJWT['sign']>[0] };
  /** Logs somebody in at the address that a browser was sent to. @returns where the issuer sends the browser. */
  logIn(url: string): URL;
  sign(claims?: Claims, header?: object, key?: Parameters<SignJWT['sign']>[0]): Promise<string>;
  close(): void;
}

/** This server as the client of the issuer. */
export interface IssuerClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

export const now = (): number => Math.floor(Date.now() / 1_000);

/** A request for a code that waits for its exchange. */
interface Grant {
  readonly challenge: string;
  readonly nonce: string;
  readonly redirectUrl: string;
}

export async function startIssuer(client?: IssuerClient): Promise<Issuer> {
  const grants = new Map<string, Grant>();
  const server: Server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '';
      issuer.asked.push(path);
      const usual = path === '/token' ? await exchange(request) : document(path);
      const {
        status = 200,
        body,
        headers = {},
      } = issuer.answer?.(path) ?? { ...usual, body: JSON.stringify(usual.body) };
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    })();
  });

  function document(path: string): { status: number; body: object } {
    const { url } = issuer;
    if (path === '/keys') return { status: 200, body: { keys: [jwk] } };
    return {
      status: 200,
      body: {
        issuer: url,
        jwks_uri: `${url}/keys`,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        id_token_signing_alg_values_supported: ['RS256'],
      },
    };
  }

  /** RFC 6749, section 4.1.3, and RFC 7636, section 4.6. */
  async function exchange(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const form = new URLSearchParams(await readText(request));
    const code = form.get('code') ?? '';
    const grant = grants.get(code);
    grants.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const { clientId = '', clientSecret = '' } = client ?? {};
    // RFC 6749, section 2.3.1: both are encoded as in a form
    const basic = Buffer.from((request.headers.authorization ?? '').slice('Basic '.length), 'base64');
    if (decodeURIComponent(basic.toString()) !== `${clientId}:${clientSecret}`)
      return { status: 401, body: { error: 'invalid_client' } };
    if (grant?.challenge !== challenge || grant.redirectUrl !== form.get('redirect_uri'))
      return { status: 400, body: { error: 'invalid_grant' } };
    const { claims = {}, key } = issuer.idToken;
    const idToken = await issuer.sign(
      { aud: clientId, iat: now(), nonce: grant.nonce, ...claims },
      {},
      key ?? keys.privateKey,
    );
    return { status: 200, body: { access_token: 'unused', token_type: 'Bearer', id_token: idToken } };
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    answer: undefined,
    idToken: {},
    logIn(url) {
      const asked = new URL(url).searchParams;
      const code = randomUUID();
      const redirectUrl = asked.get('redirect_uri') ?? '';
      grants.set(code, {
        challenge: asked.get('code_challenge') ?? '',
        nonce: asked.get('nonce') ?? '',
        redirectUrl,
      });
      const back = new URL(redirectUrl);
      back.searchParams.set('code', code);
      back.searchParams.set('state', asked.get('state') ?? '');
      return back;
    },
    sign: (claims = {}, header = {}, key = keys.privateKey) =>
      new SignJWT({ iss: issuer.url, aud: 'tidemark-test', sub: 'alice', exp: now() + 600, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
        .sign(key),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return issuer;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
