import { createHash } from 'node:crypto';
import { TidemarkError } from '../../oci/error.ts';
import { nextPages } from '../tags/next-page.ts';
import { checkStatus, isWebPage, notARegistry } from '../status.ts';
import { readUpTo } from '../transport/body.ts';
import { decodedBody } from '../transport/content-coding.ts';
import { describeUrl } from '../transport/exchange.ts';
import type { DiscoverySource } from './source.ts';

/** A page of 1,000 long names has 256 KB; APIs beside the registry add details of each repository. */
const pageMaxBytes = 8 * 1024 * 1024;
export const pagesAtMost = 10_000;

export interface JsonPage {
  readonly body: unknown;
  /** Possible addresses of the next page, by `Link`. */
  readonly next: readonly URL[];
}

/** @throws TidemarkError of the request, `UPSTREAM_RESPONSE_TOO_LARGE`, `UPSTREAM_NOT_A_REGISTRY`. */
export async function getJson(
  { requester, signal }: Pick<DiscoverySource, 'requester' | 'signal'>,
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonPage> {
  const request = {
    method: 'GET',
    url,
    headers: { accept: 'application/json', ...headers },
    signal,
  } as const;
  return requester.request(request, async (response, sent) => {
    await checkStatus(sent, response, 200);
    if (isWebPage(response)) throw notARegistry(sent, 'a web page');
    const next = nextPages(url, response);
    const body = await readUpTo({ body: decodedBody(response) }, pageMaxBytes);
    if (body === undefined)
      throw new TidemarkError(
        'UPSTREAM_RESPONSE_TOO_LARGE',
        `GET ${describeUrl(url)}: a page of the list of repositories is larger than ${pageMaxBytes} bytes. Give the names with discovery: LIST.`,
      );
    try {
      return { body: JSON.parse(body.toString()) as unknown, next };
    } catch {
      throw notARegistry(sent, 'something that is not JSON');
    }
  });
}

/** The strings at a field of each entry of a list. @throws TidemarkError `UPSTREAM_RESPONSE_INVALID` */
export function readNames(url: URL, list: unknown, nameOf: (entry: unknown) => unknown): string[] {
  const names = Array.isArray(list) ? list.map(nameOf) : undefined;
  if (names?.every((name) => typeof name === 'string') === true) return names;
  throw new TidemarkError(
    'UPSTREAM_RESPONSE_INVALID',
    `GET ${describeUrl(url)} answered something other than a list of repositories. Check the rule's url and discovery.`,
  );
}

/** The field of a JSON object; undefined where there is none. */
export function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;
}

/** Refuses a page that came before, and more pages than any registry has. */
export function createLoopGuard(): (url: URL) => void {
  const seen = new Set<string>();
  return (url) => {
    const hash = createHash('sha256').update(url.href).digest('base64');
    if (!seen.has(hash) && seen.size < pagesAtMost) {
      seen.add(hash);
      return;
    }
    throw new TidemarkError(
      'UPSTREAM_PAGINATION_LOOP',
      `GET ${describeUrl(url)}: after ${seen.size} pages the list of repositories repeats or does not end; expected at most ${pagesAtMost} ` +
        "different pages. Ask the upstream's operator to correct it, or give the names with discovery: LIST.",
    );
  };
}
