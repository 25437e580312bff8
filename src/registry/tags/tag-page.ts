import { createHash } from 'node:crypto';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import { isTidemarkState, tidemarkState } from '../../oci/hosts/tidemark-lists.ts';
import { pacedBody } from '../transport/body.ts';
import type { MinimumRate } from '../transport/body.ts';
import { decodedBody } from '../transport/content-coding.ts';
import { describeUrl } from '../transport/exchange.ts';
import type { HttpRequest, HttpResponse } from '../transport/exchange.ts';
import { ManifestMap } from '../listing/google.ts';
import type { OnDigests } from '../listing/listing.ts';
import { nextPages } from './next-page.ts';
import type { Requester } from '../requester.ts';
import { checkStatus, isWebPage, notARegistry } from '../status.ts';
import { TagListError, TagReader } from './tag-reader.ts';

/** Google lists all tags and manifests in one page: above 16 MiB for thousands of images. */
export const tagPageMaxBytes = 256 * 1024 * 1024;
/** The names that are read before a page counts as answered; the others are read on demand. */
const namesAtOnce = 1000;

export interface TagPageRequest {
  readonly requester: Requester;
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
  readonly maxBytes: number;
  readonly minimumRate: MinimumRate | undefined;
  /** Takes the digests that the page itself has (Google's), before its names. Called again if the page is. */
  readonly onDigests?: OnDigests | undefined;
}

/** A page whose first names were read. `close` it. */
export interface OpenTagPage {
  readonly url: URL;
  /** The state that a Tidemark announces. */
  readonly state: string | undefined;
  /** The first names; all names of a page of usual size. */
  readonly first: readonly string[];
  /** The other names, streamed. */
  rest(): AsyncIterable<string[]>;
  /** Possible URLs of the next page. */
  readonly next: readonly URL[];
  /** After the page was read: whether it has the key `tags`. */
  hasTags(): boolean;
  /** After the page was read: the number of names, and a hash. */
  summary(): { readonly count: number; readonly hash: string };
  close(): Promise<void>;
}

/** @throws TidemarkError `REPOSITORY_NOT_FOUND`, `UPSTREAM_NOT_A_REGISTRY`, `UPSTREAM_RESPONSE_INVALID` or of the request. */
export async function openTagPage(request: TagPageRequest): Promise<OpenTagPage> {
  const { requester, url, signal } = request;
  const headers = { accept: 'application/json' };
  return requester.open({ method: 'GET', url, headers, signal }, async (response, sent, whenDone) => {
    await checkAnswer(sent, response);
    const next = nextPages(url, response);
    const names = readNames(request, response);
    const first: string[] = [];
    let read: Awaited<ReturnType<typeof names.next>> | undefined;
    while (first.length <= namesAtOnce) {
      read = await names.next();
      if (read.done === true) break;
      for (const name of read.value) first.push(name);
    }
    const isWhole = read?.done === true;
    if (isWhole) whenDone();
    const { hash, reader } = names.progress;
    let count = first.length;
    return {
      url,
      state: announcedState(response),
      first,
      next,
      async *rest() {
        if (isWhole) return;
        for await (const more of names) {
          count += more.length;
          yield more;
        }
        whenDone();
      },
      hasTags: () => reader.end(),
      summary: () => ({ count, hash: hash.copy().digest('base64') }),
      async close() {
        await names.return(undefined);
        whenDone();
      },
    };
  });
}

function announcedState({ headers }: HttpResponse): string | undefined {
  const state = headers[tidemarkState.header];
  return typeof state === 'string' && isTidemarkState(state) ? state : undefined;
}

async function checkAnswer(sent: HttpRequest, response: HttpResponse): Promise<void> {
  if (response.status === 404) {
    await response.discard();
    throw notFound(sent.url);
  }
  await checkStatus(sent, response, 200);
  if (!isWebPage(response)) return;
  await response.discard();
  throw notARegistry(sent, 'a web page (Content-Type text/html)');
}

/** Streams the names of a page; `progress` describes what was read. */
function readNames(
  { url, maxBytes, minimumRate, onDigests }: TagPageRequest,
  response: HttpResponse,
): AsyncGenerator<string[], undefined> & {
  readonly progress: { readonly hash: ReturnType<typeof createHash>; readonly reader: TagReader };
} {
  const manifests = onDigests && new ManifestMap();
  const progress = { hash: createHash('sha256'), reader: new TagReader(manifests) };
  async function* read(): AsyncGenerator<string[], undefined> {
    let received = 0;
    try {
      for await (const chunk of pacedBody(decodedBody(response), url, minimumRate)) {
        received += chunk.length;
        if (received > maxBytes) throw tooLarge(url, maxBytes);
        const names = progress.reader.read(chunk);
        const listed = manifests?.take() ?? [];
        if (listed.length > 0) await onDigests?.(listed);
        if (names.length === 0) continue;
        progress.hash.update(`${JSON.stringify(names).slice(1, -1)},`);
        yield names;
      }
      progress.reader.end();
    } catch (error) {
      if (!(error instanceof TagListError)) throw error;
      if (error.value === undefined) throw notARegistry({ method: 'GET', url }, 'something that is not JSON');
      throw invalidList(url, error.value);
    }
  }
  return Object.assign(read(), { progress });
}

function tooLarge(url: URL, maxBytes: number): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RESPONSE_TOO_LARGE',
    `GET ${describeUrl(url)}: a page of the tag list is larger than ${maxBytes} bytes; expected a page of names.`,
  );
}

function notFound(url: URL): TidemarkError {
  return new TidemarkError(
    'REPOSITORY_NOT_FOUND',
    `GET ${describeUrl(url)} was answered 404: the repository does not exist or is hidden. Check the remote's upstream name (Docker Hub's own images are under library/), URL and credentials.`,
    { status: 404 },
  );
}

export function invalidList(url: URL, came: unknown): TidemarkError {
  return new TidemarkError(
    'UPSTREAM_RESPONSE_INVALID',
    `GET ${describeUrl(url)} answered ${quoteValue(came)} in its tag list; expected {"name": …, "tags": […]} with names as strings.`,
  );
}
