/** A browser, as far as the server sees it: it keeps cookies, and names the page that a request comes from. */
import { pull } from '../../support/api/pull.ts';
import type { PullAnswer } from '../../support/api/pull.ts';

export interface BrowserRequest {
  readonly method?: string;
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** Over its own: null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

export interface Browser {
  /** The values of its cookies, by name. */
  readonly cookies: Map<string, string>;
  /** The `Cookie` header. */
  cookieHeader(): string;
  send(request: BrowserRequest): Promise<PullAnswer>;
  /** Logs in, and remembers the value of `x-tidemark-csrf` for `ask`. */
  logIn(token: string): Promise<PullAnswer>;
  /** A query of the console. */
  ask(query: string, headers?: Readonly<Record<string, string | null>>): Promise<PullAnswer>;
  csrf: string;
}

export function openBrowser(url: string): Browser {
  const { host } = new URL(url);
  const browser: Browser = {
    cookies: new Map(),
    csrf: '',
    cookieHeader: () => [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    async send({ method = 'GET', path, body, headers = {} }) {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const own: Record<string, string | null> = {
        ...(method === 'GET' ? { 'sec-fetch-site': 'same-origin' } : { origin: `http://${host}` }),
        ...(browser.cookies.size > 0 ? { cookie: browser.cookieHeader() } : {}),
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
        ...headers,
      };
      const sent = Object.fromEntries(
        Object.entries(own).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
      );
      const answer = await pull(url, { method, path, headers: sent, body: text });
      for (const line of answer.headers['set-cookie'] ?? []) keep(browser.cookies, line);
      return answer;
    },
    async logIn(token) {
      const answer = await browser.send({ method: 'POST', path: '/session', body: { token } });
      if (answer.status === 200) browser.csrf = (JSON.parse(answer.body.toString()) as { csrf: string }).csrf;
      return answer;
    },
    ask: (query, headers = {}) =>
      browser.send({
        method: 'POST',
        path: '/graphql',
        body: { query },
        headers: { 'x-tidemark-csrf': browser.csrf, ...headers },
      }),
  };
  return browser;
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split('; ');
  const equals = pair.indexOf('=');
  if (attributes.includes('Max-Age=0')) cookies.delete(pair.slice(0, equals));
  else cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
}
