import { digestAlgorithm, digestHex } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import { readUpTo } from '../transport/body.ts';
import { decodedBody } from '../transport/content-coding.ts';
import { describeUrl, singleHeader } from '../transport/exchange.ts';
import type { HttpResponse } from '../transport/exchange.ts';
import type { Requester } from '../requester.ts';
import { checkStatus, isWebPage } from '../status.ts';

/** Read limits (docs/faults.md). */
export const signatureMaxBytes = 4 * 1024 * 1024;
/** Of one manifest. */
export const maxSignatures = 10_000;
const listMaxBytes = 16 * 1024 * 1024;

export interface SignatureRequest {
  readonly requester: Requester;
  readonly digest: Digest;
  readonly signal: AbortSignal | undefined;
  /** A 404 below this number does not end a store's series; default 0. */
  readonly atLeast?: number;
}

/**
 * containers/image "signature access protocols": `<base>@sha256=<hex>/signature-1`, -2, … until the first 404, which must not be below
 * `atLeast`. `base` includes the repository name.
 * @throws TidemarkError `SIGNATURE_INVALID`, `SIGNATURES_TOO_MANY`, after the signatures before it
 */
export async function* readStore(
  base: string,
  { requester, digest, signal, atLeast = 0 }: SignatureRequest,
): AsyncGenerator<Buffer> {
  const folder = `${base}@${digestAlgorithm(digest)}=${digestHex(digest)}`;
  for (let number = 1; ; number += 1) {
    const url = new URL(`${folder}/signature-${number}`);
    const bytes = await requester.request({ method: 'GET', url, signal }, async (response, sent) => {
      if (response.status === 404) {
        await response.discard();
        return undefined;
      }
      await checkStatus(sent, response, 200);
      return readSignature(url, response);
    });
    if (bytes === undefined && number >= atLeast) return;
    if (number > maxSignatures) throw tooMany(url);
    if (bytes !== undefined) yield bytes;
  }
}

async function readSignature(url: URL, response: HttpResponse): Promise<Buffer> {
  if (isWebPage(response)) {
    await response.discard();
    throw notASignature(url, 'a web page (Content-Type text/html)');
  }
  const bytes = await readUpTo({ body: decodedBody(response) }, signatureMaxBytes);
  if (bytes === undefined) throw notASignature(url, `more than ${signatureMaxBytes} bytes`);
  if (/^\s*</.test(bytes.toString('latin1', 0, 64))) throw notASignature(url, 'a web page');
  return bytes;
}

export interface FoundExtension {
  readonly isPresent: boolean;
  /** A part of a sentence, for an answer that a registry without the extension gives: 200 or 401. */
  readonly reason?: string;
}

/**
 * Whether `/v2/` announces the extension of the next function, with any status. Sent without credentials, as containers/image does: its challenge
 * requests another scope than the repository's (cloudflare/serverless-registry#148).
 */
export async function findExtension(
  requester: Requester,
  url: URL,
  signal: AbortSignal | undefined,
): Promise<FoundExtension> {
  return requester.request({ method: 'GET', url, signal, isAnonymous: true }, async (response, sent) => {
    await response.discard();
    // An error of the server does not tell whether it has the extension.
    if (response.status === 429 || response.status >= 500) await checkStatus(sent, response, 200);
    const { status } = response;
    if (singleHeader(response.headers, 'x-registry-supports-signatures') === '1') return { isPresent: true };
    if (status !== 200 && status !== 401) return { isPresent: false };
    return {
      isPresent: false,
      reason: `GET ${describeUrl(url)} was answered ${status} without the extension`,
    };
  });
}

/**
 * The "X-Registry-Supports-Signatures" API extension of containers/image: all signatures of a manifest in one list. Only atomic ones are
 * returned.
 * @throws TidemarkError `SIGNATURE_INVALID`, `SIGNATURES_TOO_MANY`.
 */
export async function* readExtension(
  url: URL,
  { requester, signal }: Omit<SignatureRequest, 'digest'>,
): AsyncGenerator<Buffer> {
  const headers = { accept: 'application/json' };
  const list = await requester.request(
    { method: 'GET', url, headers, signal, isSide: true },
    async (response, sent) => {
      if (response.status === 404) {
        await response.discard();
        return [];
      }
      await checkStatus(sent, response, 200);
      const body = await readUpTo({ body: decodedBody(response) }, listMaxBytes);
      if (body === undefined) throw notASignature(url, `more than ${listMaxBytes} bytes`);
      return parseList(url, body.toString());
    },
  );
  for (const [index, entry] of list.entries()) {
    if (index >= maxSignatures) throw tooMany(url);
    const { schemaVersion, type, content } = (entry ?? {}) as Record<string, unknown>;
    if (schemaVersion !== 2 || type !== 'atomic') continue;
    const bytes = Buffer.from(typeof content === 'string' ? content : '', 'base64');
    if (bytes.length === 0 || bytes.length > signatureMaxBytes)
      throw notASignature(url, `a signature with the content ${quoteValue(content)}`);
    yield bytes;
  }
}

function parseList(url: URL, text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    const list =
      typeof parsed === 'object' && parsed !== null && 'signatures' in parsed ? parsed.signatures : undefined;
    if (list === null) return [];
    if (Array.isArray(list)) return list as unknown[];
  } catch {
    // Reported below.
  }
  throw notASignature(url, quoteValue(text));
}

function notASignature(url: URL, came: string): TidemarkError {
  return new TidemarkError(
    'SIGNATURE_INVALID',
    `GET ${describeUrl(url)} was answered with ${came}; expected a signature. Check the remote's sigstore, and whether a login page or proxy answers instead.`,
  );
}

function tooMany(url: URL): TidemarkError {
  return new TidemarkError(
    'SIGNATURES_TOO_MANY',
    `GET ${describeUrl(url)}: the manifest has more than ${maxSignatures} signatures; the others were skipped.`,
  );
}
