/** The log of every process: one JSON object per line, errors with their causes. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { currentTrace } from '../telemetry/trace-context.ts';

/** Deeper chains and longer lists add nothing. */
const causesAtMost = 5;

/** A logged error. Only known fields: libraries attach requests with their headers to errors. */
export interface LoggedError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
  /** Of an AggregateError. */
  readonly errors?: readonly LoggedError[];
}

/** Other values are logged unchanged. */
export function describeError(value: unknown): unknown {
  return value instanceof Error ? describe(value, causesAtMost) : value;
}

function describe(error: Error, depth: number): LoggedError {
  const { cause } = error;
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  const several = Array.isArray(errors) ? errors.filter((one) => one instanceof Error) : [];
  return {
    type: error.name === 'Error' ? error.constructor.name : error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(cause instanceof Error && depth > 0 ? { cause: describe(cause, depth - 1) } : {}),
    ...(several.length > 0 && depth > 0
      ? { errors: several.slice(0, causesAtMost).map((one) => describe(one, depth - 1)) }
      : {}),
  };
}

/** Names of OpenTelemetry, as logs of activities have them. */
function traceFields(): object {
  const { traceId, spanId } = currentTrace() ?? {};
  return traceId === undefined ? {} : { trace_id: traceId, span_id: spanId };
}

/** @param destination Default: standard output. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    mixin: traceFields,
    redact: ['*.password', '*.authorization'],
    // Temporal's SDK uses `error`, we use `err`.
    serializers: { err: describeError, error: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
