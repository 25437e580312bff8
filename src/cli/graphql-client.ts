import { TidemarkError } from '../oci/error.ts';
import { readEvents } from './event-stream.ts';
import { trimTrailingSlashes } from '../oci/trim-ends.ts';

export interface GraphqlRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
  /** What to log in with. */
  readonly token?: string | undefined;
}

export interface UserError {
  readonly code: string;
  readonly field: readonly string[] | null;
  readonly message: string;
}

interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

const requestTimeoutMs = 60_000;
const answerMaxBytes = 32 * 1024 * 1024;
/** The server sends a ping every 12 s; a stream that is silent for longer is broken. */
const silenceMaxMs = 30_000;

/**
 * Sends a query or mutation and answers its data.
 * @throws TidemarkError `SERVER_UNREACHABLE` (retryable), or what the server says.
 */
export async function requestGraphql<T>(apiUrl: string, request: GraphqlRequest): Promise<T> {
  const timeout = AbortSignal.timeout(requestTimeoutMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
  try {
    const response = await post(apiUrl, 'graphql', { request, accept: 'application/json', signal });
    return readData(parseAnswer(await readText(response), apiUrl, response.status)) as T;
  } catch (error) {
    if (request.signal?.aborted === true) throw request.signal.reason;
    throw error instanceof TidemarkError ? error : unreachable(apiUrl, error);
  }
}

/**
 * The results of a subscription, over server-sent events. Ends when the server says that it is complete.
 * @throws TidemarkError `SERVER_UNREACHABLE` (retryable) when the stream breaks off or falls silent.
 */
export async function* subscribeGraphql<T>(apiUrl: string, request: GraphqlRequest): AsyncGenerator<T> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('the event stream fell silent')), silenceMaxMs);
  const signal =
    request.signal === undefined ? silence.signal : AbortSignal.any([request.signal, silence.signal]);
  try {
    const response = await post(apiUrl, 'graphql/stream', { request, accept: 'text/event-stream', signal });
    if (!response.ok || response.body === null) {
      readData(parseAnswer(await readText(response), apiUrl, response.status));
      throw new Error(`the event stream was answered with status ${response.status}`);
    }
    const heard = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(bytes, controller) {
          timer.refresh();
          controller.enqueue(bytes);
        },
      }),
    );
    for await (const { event, data } of readEvents(heard)) {
      if (event === 'complete') return;
      if (event === 'next') yield readData(parseAnswer(data, apiUrl, 200)) as T;
    }
    throw new Error('the event stream ended without its last event');
  } catch (error) {
    if (request.signal?.aborted === true) throw request.signal.reason;
    throw error instanceof TidemarkError ? error : unreachable(apiUrl, error);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws TidemarkError with the code of the first, and one line for each: `field: message`. */
export function checkUserErrors(errors: readonly UserError[]): void {
  const [first] = errors;
  if (first === undefined) return;
  const lines = errors.map(({ field, message }) =>
    field === null || field.length === 0 ? message : `${field.join('.')}: ${message}`,
  );
  throw new TidemarkError(first.code, lines.join('\n'), { origin: 'caller' });
}

interface PostOptions {
  readonly request: GraphqlRequest;
  readonly accept: string;
  readonly signal: AbortSignal;
}

function post(apiUrl: string, path: string, { request, accept, signal }: PostOptions): Promise<Response> {
  const { query, variables = {}, token } = request;
  const login = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${trimTrailingSlashes(apiUrl)}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...login },
    body: JSON.stringify({ query, variables }),
    redirect: 'error',
    signal,
  });
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytesRead = 0;
  for await (const bytes of response.body ?? []) {
    bytesRead += bytes.byteLength;
    if (bytesRead > answerMaxBytes) throw new RangeError(`the answer has more than ${answerMaxBytes} bytes`);
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}

function parseAnswer(text: string, apiUrl: string, status: number): GraphqlAnswer {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null) return answer;
  } catch {
    // told below
  }
  throw new TidemarkError(
    'SERVER_UNEXPECTED',
    `${apiUrl} answered with status ${status} and something that is not GraphQL; expected a Tidemark server. Check the address.`,
    { origin: 'server', status },
  );
}

function readData(answer: GraphqlAnswer): unknown {
  const [error] = answer.errors ?? [];
  if (error === undefined) return answer.data;
  const code = error.extensions?.code ?? 'INTERNAL_SERVER_ERROR';
  if (code === 'UNAUTHENTICATED')
    throw new TidemarkError(
      code,
      'The server asks for a login. Give a valid token: TIDEMARK_TOKEN in the environment, or --token-file <path>. ' +
        'On the server\'s machine, "tidemark token create NAME --admin" creates the first one.',
      { origin: 'caller' },
    );
  throw new TidemarkError(code, error.message, {
    origin: 'server',
    retryable: code === 'SERVICE_UNAVAILABLE',
  });
}

function unreachable(apiUrl: string, error: unknown): TidemarkError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new TidemarkError(
    'SERVER_UNREACHABLE',
    `The Tidemark server at ${apiUrl} cannot be reached: ${reason}. Check that it runs (tidemark start).`,
    { origin: 'server', retryable: true, cause: error },
  );
}
