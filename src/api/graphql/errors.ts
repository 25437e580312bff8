import { GraphQLError } from 'graphql';
import { isConnectionError } from '../../db/connection/connection-error.ts';
import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { isTidemarkError, quoteValue } from '../../oci/error.ts';
import type { QueryCost } from './limits.ts';

/** What the mapper needs to log an error for the operator. */
export interface ErrorTrace {
  /** The id in the answer and in the log. */
  readonly correlationId: string;
  readonly log: (fields: { readonly correlationId: string; readonly err: unknown }, message: string) => void;
}

/** Codes of GraphQL's and Apollo's own errors about the caller's request. */
const requestCodes = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'QUERY_TOO_COMPLEX',
]);

/** Errors of other servers. Callers may read their messages. */
const unavailableCodes = new Set(['TEMPORAL_UNAVAILABLE', 'OIDC_UNAVAILABLE']);

/** An invalid argument outside of a mutation's `input`. */
export function badUserInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

/** @param argument The received value of `first`. */
export function checkFirst(argument: number): number {
  if (argument >= 1 && argument <= 100) return argument;
  throw badUserInput(
    `first is ${quoteValue(argument)}; expected 1 to 100. Read further pages with after: endCursor.`,
  );
}

/**
 * Maps an error to what a client may see. Errors of the caller keep their code. All others become an id, under which the log has the cause
 * (fault 89). `path` and `locations` stay.
 */
export function toClientError(error: unknown, trace: ErrorTrace): GraphQLFormattedError {
  const place = placeOf(error);
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  if (isTidemarkError(original) && original.origin === 'caller')
    return { message: original.message, ...place, extensions: { code: original.code } };
  const known = knownRequestError(error);
  if (known !== undefined)
    return { message: withoutValues(known.message), ...place, extensions: { code: known.code } };
  if (isTidemarkError(original) && unavailableCodes.has(original.code)) {
    trace.log(
      { correlationId: trace.correlationId, err: original },
      'what a request needs cannot be reached',
    );
    const extensions = { code: 'SERVICE_UNAVAILABLE', correlationId: trace.correlationId };
    return { message: original.message, ...place, extensions };
  }
  if (isConnectionError(original)) {
    trace.log({ correlationId: trace.correlationId, err: original }, 'the database cannot be reached');
    return {
      message: `The database cannot be reached at the moment; try again. (${trace.correlationId})`,
      ...place,
      extensions: { code: 'SERVICE_UNAVAILABLE', correlationId: trace.correlationId },
    };
  }
  trace.log({ correlationId: trace.correlationId, err: original }, 'a GraphQL request failed');
  return {
    message: `Something went wrong in the server. Its log says what, under ${trace.correlationId}.`,
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR', correlationId: trace.correlationId },
  };
}

/** The same for a whole result with its cost, as the socket and event-stream transports send it. */
export function toClientResult(
  result: { readonly errors?: readonly unknown[] | undefined },
  { trace, cost }: { readonly trace: ErrorTrace; readonly cost: QueryCost | undefined },
): FormattedExecutionResult {
  const { errors, ...rest } = result;
  const answer = cost === undefined ? rest : { ...rest, extensions: { cost } };
  return errors === undefined
    ? answer
    : { ...answer, errors: errors.map((error) => toClientError(error, trace)) };
}

function knownRequestError(error: unknown): { code: string; message: string } | undefined {
  if (!(error instanceof GraphQLError)) return undefined;
  const code = error.extensions['code'];
  if (typeof code === 'string' && requestCodes.has(code)) return { code, message: error.message };
  // graphql-js sets no code. An error without an original error and without a path is about the document or its variables.
  if (code === undefined && error.originalError === undefined && error.path === undefined)
    return { code: codeOfRequestError(error), message: error.message };
  return undefined;
}

function codeOfRequestError(error: GraphQLError): string {
  if (error.message.startsWith('Syntax Error')) return 'GRAPHQL_PARSE_FAILED';
  return error.message.startsWith('Variable "') ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED';
}

/**
 * GraphQL repeats a variable's value in its message, including passwords and keys. The place and the expectation stay. The value is cut out
 * by position, because it may contain anything.
 */
function withoutValues(message: string): string {
  const variable = /^Variable "\$\w{1,100}" got invalid value /.exec(message);
  if (variable === null) return withoutRepresented(message);
  const tail = withoutRepresented(message.slice(message.lastIndexOf('; ') + 2));
  const place = / at "([\w.[\]]{1,200})"; [^;]*$/.exec(message);
  const expectation = /^(?:Field|Expected|String|Int|Float|Boolean|ID|Enum|Value) /.test(tail)
    ? ` ${tail}`
    : '';
  const name = variable[0].slice('Variable "'.length, -'" got invalid value '.length);
  return `Variable "${name}" got an invalid value${place === null ? '' : ` at "${place[1]}"`}.${expectation}`;
}

/** `… cannot represent non string value: "x"` ends before the value. */
function withoutRepresented(message: string): string {
  const words = message.indexOf('cannot represent ');
  const colon = words < 0 ? -1 : message.indexOf(': ', words);
  return colon < 0 ? message : `${message.slice(0, colon)}.`;
}

function placeOf(error: unknown): Pick<GraphQLFormattedError, 'path' | 'locations'> {
  if (!(error instanceof GraphQLError)) return {};
  const { path, locations } = error.toJSON();
  return { ...(path === undefined ? {} : { path }), ...(locations === undefined ? {} : { locations }) };
}
