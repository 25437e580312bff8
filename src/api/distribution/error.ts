import type { FastifyReply, FastifyRequest } from 'fastify';
import { isConnectionError } from '../../db/connection/connection-error.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { ApiDependencies } from '../dependencies.ts';

/** Codes of distribution-spec, "Error Codes", with their statuses; the last ones are docker's additions, and ours for states. */
const statuses = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DENIED: 403,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  STATE_INVALID: 400,
  STATE_UNKNOWN: 410,
  TOOMANYREQUESTS: 429,
  UNAUTHORIZED: 401,
  UNSUPPORTED: 405,
  PAGINATION_NUMBER_INVALID: 400,
  RANGE_INVALID: 416,
  UNAVAILABLE: 503,
  UNKNOWN: 500,
} as const;

export type DistributionCode = keyof typeof statuses;

/** An error of the caller. @param status Default: the status of the code. */
export function refuse(
  code: DistributionCode,
  message: string,
  status?: number,
  cause?: unknown,
): TidemarkError {
  return new TidemarkError(code, message, { origin: 'caller', status: status ?? statuses[code], cause });
}

/** Tells the client the reason of an upstream's error. Errors of this server are returned unchanged. */
export function refuseUpstream(what: string, error: unknown): unknown {
  if (!isTidemarkError(error) || error.origin === 'server') return error;
  return refuse('UNAVAILABLE', `${what} ${error.message}`, undefined, error);
}

export interface DistributionFailure {
  readonly status: number;
  readonly code: DistributionCode;
  readonly message: string;
}

/** The only writer of errors: status, and `{"errors":[{code,message,detail}]}`. */
export function sendError(reply: FastifyReply, { status, code, message }: DistributionFailure): FastifyReply {
  const body = JSON.stringify({ errors: [{ code, message, detail: null }] });
  return reply.code(status).type('application/json').send(body);
}

/** Errors of the caller keep their code. All others become an id, under which the log has the cause (fault 89). */
export function toFailure(
  error: unknown,
  request: FastifyRequest,
  { logger }: Pick<ApiDependencies, 'logger'>,
): DistributionFailure {
  const known = isTidemarkError(error) ? knownFailure(error) : undefined;
  if (known !== undefined) return known;
  const correlationId = request.id;
  const isUnavailable = isConnectionError(error) || (isTidemarkError(error) && error.retryable);
  const [path] = request.originalUrl.split('?', 1);
  logger.error({ correlationId, method: request.method, path, err: error }, 'a request to /v2/ failed');
  return isUnavailable
    ? {
        status: statuses.UNAVAILABLE,
        code: 'UNAVAILABLE',
        message: `The database or the blob store is unavailable. Try again. (${correlationId})`,
      }
    : {
        status: statuses.UNKNOWN,
        code: 'UNKNOWN',
        message: `Internal error. The server's log has the cause, under ${correlationId}.`,
      };
}

function knownFailure(error: TidemarkError): DistributionFailure | undefined {
  const { code, message, origin, status } = error;
  if (code === 'UPLOAD_UNKNOWN')
    return { status: statuses.BLOB_UPLOAD_UNKNOWN, code: 'BLOB_UPLOAD_UNKNOWN', message };
  if (code === 'UNAUTHENTICATED') return { status: statuses.UNAUTHORIZED, code: 'UNAUTHORIZED', message };
  // RFC 4918 section 11.5, Insufficient Storage
  if (code === 'STORAGE_QUOTA') return { status: 507, code: 'DENIED', message };
  if (code === 'DIGEST_INVALID' || code === 'DIGEST_UNSUPPORTED')
    return { status: statuses.DIGEST_INVALID, code: 'DIGEST_INVALID', message };
  if (origin !== 'caller' || !isDistributionCode(code)) return undefined;
  return { status: status ?? statuses[code], code, message };
}

function isDistributionCode(code: string): code is DistributionCode {
  return code in statuses;
}
