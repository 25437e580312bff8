/** Content-Security-Policy of the two pages (CSP Level 3). Nothing comes from elsewhere, and no page may frame them. */
export interface PolicyOptions {
  /** `Host` of the request, for WebSockets: not every browser includes them in 'self'. */
  readonly host: string | undefined;
}

/** @param nonce Allows the style elements that the console's components create. */
export function consolePolicy(nonce: string, { host }: PolicyOptions): string {
  return join({ 'style-src': `'self' 'nonce-${nonce}'`, 'connect-src': connectSources(host) });
}

/** Monaco, the editor, creates style elements without a nonce, and workers of blobs. */
export function graphiqlPolicy({ host }: PolicyOptions): string {
  return join({
    'style-src': "'self' 'unsafe-inline'",
    'connect-src': connectSources(host),
    'worker-src': "'self' blob:",
  });
}

/** Of a hashed file. A worker has the policy of its script, not of its page, and may import other chunks. */
export const assetPolicy =
  "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const common = {
  'default-src': "'none'",
  'script-src': "'self'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'frame-ancestors': "'none'",
  'base-uri': "'none'",
  'form-action': "'self'",
};

function join(own: Readonly<Record<string, string>>): string {
  return Object.entries({ ...common, ...own })
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}

function connectSources(host: string | undefined): string {
  // A host of other characters would add directives.
  return host !== undefined && /^[\w.:[\]-]+$/.test(host) ? `'self' ws://${host} wss://${host}` : "'self'";
}
