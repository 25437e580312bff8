import { decodedBody } from './transport/content-coding.ts';
import { readUpTo } from './transport/body.ts';
import type { Requester } from './requester.ts';
import { checkStatus } from './status.ts';

const bodyMaxBytes = 1024 * 1024;
const pageSize = 1000;

/**
 * The first page of the registry's repositories (`/v2/_catalog`), for hints in messages. Many registries refuse the request. Empty if the answer
 * is no list.
 * @throws TidemarkError of the request.
 */
export async function readCatalog(
  requester: Requester,
  apiBase: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const url = new URL(`${apiBase}/v2/_catalog?n=${pageSize}`);
  const headers = { accept: 'application/json' };
  return requester.request({ method: 'GET', url, headers, signal, isSide: true }, async (response, sent) => {
    await checkStatus(sent, response, 200);
    const body = await readUpTo({ body: decodedBody(response) }, bodyMaxBytes);
    return body === undefined ? [] : namesIn(body.toString());
  });
}

function namesIn(text: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  const names = (parsed as { readonly repositories?: unknown } | null)?.repositories;
  return Array.isArray(names) ? names.filter((name): name is string => typeof name === 'string') : [];
}
