import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { assetPolicy, consolePolicy, graphiqlPolicy } from './security-policy.ts';

/** What the built index.html has where each answer puts its own nonce. */
const noncePlaceholder = '__CSP_NONCE__';

/** The built web console. */
export interface ConsolePages {
  /** Answers with the page, which reads the address itself. */
  sendIndex(request: FastifyRequest, reply: FastifyReply): FastifyReply;
  /** Whether a request without a route is a browser's for a page of the console. */
  isPage(request: FastifyRequest): boolean;
}

/** Serves `/graphiql` and `/assets/`. @returns undefined if the folder has no console. */
export async function serveConsole(
  app: FastifyInstance,
  folder: string | undefined,
): Promise<ConsolePages | undefined> {
  const index = folder === undefined ? undefined : await readPage(join(folder, 'index.html'));
  if (folder === undefined || index === undefined) return undefined;
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    preCompressed: true,
    index: false,
    decorateReply: false,
    // Each name has the hash of its content.
    immutable: true,
    maxAge: '365d',
    setHeaders: (reply) => void reply.header('content-security-policy', assetPolicy),
  });
  const graphiql = await readPage(join(folder, 'graphiql.html'));
  if (graphiql !== undefined)
    app.get('/graphiql', ({ headers: { host } }, reply) =>
      sendPage(reply, graphiql, graphiqlPolicy({ host })),
    );
  return {
    sendIndex({ headers: { host } }, reply) {
      const nonce = randomBytes(16).toString('base64');
      return sendPage(reply, index.replaceAll(noncePlaceholder, nonce), consolePolicy(nonce, { host }));
    },
    isPage: ({ method, originalUrl, headers: { accept } }) =>
      (method === 'GET' || method === 'HEAD') &&
      accept?.includes('text/html') === true &&
      !isReserved(originalUrl),
  };
}

/** Addresses of the APIs and of files: an absent one is 404. */
function isReserved(url: string): boolean {
  return /^\/(?:v2|extensions|graphql|graphiql|token|healthz|readyz|metrics|session|assets)(?:[/?]|$)/.test(
    url,
  );
}

function sendPage(reply: FastifyReply, page: string, policy: string): FastifyReply {
  return reply
    .headers({
      'content-security-policy': policy,
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-cache',
    })
    .type('text/html; charset=utf-8')
    .send(page);
}

async function readPage(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
