import { TidemarkError } from '../oci/error.ts';
import { inOwnWords } from './words.ts';
import { trimTrailingSlashes } from '../oci/trim-ends.ts';

export interface GraphqlRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
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
  readonly errors?: readonly { readonly message: string; readonly extensions?: object }[] | undefined;
}

const requestTimeoutMs = 60_000;
const answerMaxBytes = 32 * 1024 * 1024;
/** An event has a few kilobytes; a server that sends more without an end is not Tidemark. */
const eventMaxBytes = 4 * 1024 * 1024;
/** The server sends a ping every 12 s; a stream that is silent for longer is broken. */
const silenceMaxMs = 30_000;

/**
 * Sends a query or mutation and answers its data.
 * @throws TidemarkError `SERVER_UNREACHABLE` (retryable), or what the server says.
 */
export async function requestGraphql<T>(
  apiUrl: string,
  { query, variables = {}, token }: GraphqlRequest,
): Promise<T> {
  try {
    const response = await fetch(`${trimTrailingSlashes(apiUrl)}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...loginHeaders(token),
      },
      body: JSON.stringify({ query, variables }),
      redirect: 'error',
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    return readData(parseAnswer(await readText(response), apiUrl, response.status)) as T;
  } catch (error) {
    throw error instanceof TidemarkError ? error : unreachable(apiUrl, error);
  }
}

/**
 * The results of a subscription, over server-sent events. Ends when the server says that it is complete.
 * @throws TidemarkError `SERVER_UNREACHABLE` (retryable) when the stream breaks off or falls silent.
 */
export async function* subscribeGraphql<T>(apiUrl: string, request: GraphqlRequest): AsyncGenerator<T> {
  const { query, variables = {}, token } = request;
  // loaded only here: it brings the whole of graphql with it
  const { createClient } = await import('graphql-sse');
  let failure: unknown;
  const client = createClient({
    url: `${trimTrailingSlashes(apiUrl)}/graphql/stream`,
    headers: loginHeaders(token),
    retryAttempts: 0,
    // the client keeps only the message of an error
    fetchFn: (url: string, init: RequestInit) =>
      openStream(apiUrl, url, init).catch((error: unknown) => {
        throw (failure = error);
      }),
  });
  try {
    for await (const answer of client.iterate({ query, variables })) yield readData(answer) as T;
  } catch (error) {
    const cause = failure ?? error;
    throw cause instanceof TidemarkError ? cause : unreachable(apiUrl, cause);
  } finally {
    client.dispose();
  }
}

/** The response of a stream whose body fails when it falls silent, sends an event without end, or ends: the last event comes before. */
async function openStream(apiUrl: string, url: string, init: RequestInit): Promise<Response> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('the event stream fell silent')), silenceMaxMs);
  timer.unref();
  const signals = [silence.signal, ...(init.signal == null ? [] : [init.signal])];
  const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.any(signals) });
  if (!response.ok || response.body === null) {
    readData(parseAnswer(await readText(response), apiUrl, response.status));
    throw new Error(`the event stream was answered with status ${response.status}`);
  }
  let eventBytes = 0;
  const heard = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        timer.refresh();
        const end = Buffer.from(bytes).lastIndexOf('\n\n');
        eventBytes = end < 0 ? eventBytes + bytes.length : bytes.length - end;
        if (eventBytes > eventMaxBytes) throw new RangeError(`an event has more than ${eventMaxBytes} bytes`);
        controller.enqueue(bytes);
      },
      flush() {
        throw new Error('the event stream ended without its last event');
      },
    }),
  );
  return new Response(heard, response);
}

/** @throws TidemarkError with the code of the first, and one line for each. */
export function checkUserErrors(errors: readonly UserError[]): void {
  const [first] = errors;
  if (first === undefined) return;
  const lines = errors.map(({ message }) => inOwnWords(message));
  throw new TidemarkError(first.code, lines.join('\n'), { origin: 'caller' });
}

function loginHeaders(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
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
  const { code = 'INTERNAL_SERVER_ERROR' }: { readonly code?: string } = error.extensions ?? {};
  if (code === 'UNAUTHENTICATED')
    throw new TidemarkError(
      code,
      'The server asks for a login. Give a valid token: TIDEMARK_TOKEN in the environment, or --token-file <path>. ' +
        'On the server\'s machine, "tidemark token create NAME --admin" creates the first one.',
      { origin: 'caller' },
    );
  throw new TidemarkError(code, inOwnWords(error.message), {
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
