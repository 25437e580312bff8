import type { TidemarkError } from '../../oci/error.ts';

/** Why an attempt was no success. */
export interface SendFailure {
  readonly code: string;
  /** Fit for people, without the path of the endpoint, which may have a secret. */
  readonly message: string;
  readonly httpStatus?: number;
  readonly responseText?: string | undefined;
  /** The endpoint takes nothing for so long. */
  readonly retryAfterMs?: number | undefined;
  /** The endpoint wants nothing any more. */
  readonly isGone?: boolean;
}

/** The endpoint has answered, with another status than 2xx. */
export function describeRefusal(httpStatus: number): SendFailure {
  if (httpStatus === 410)
    return {
      code: 'WEBHOOK_GONE',
      httpStatus,
      isGone: true,
      message:
        'The endpoint answered 410 Gone: it wants no more events. Correct the URL, then enable the webhook.',
    };
  if (httpStatus >= 300 && httpStatus < 400)
    return {
      code: 'WEBHOOK_REDIRECTED',
      httpStatus,
      message: `The endpoint answered ${httpStatus}. Redirects are not followed; set the URL that it leads to.`,
    };
  return {
    code: 'WEBHOOK_REFUSED',
    httpStatus,
    message: `The endpoint answered ${httpStatus}; expected a status from 200 to 299. Check the endpoint.`,
  };
}

/** There was no answer. */
export function describeTrouble(error: TidemarkError, attemptMs: number): SendFailure {
  switch (error.code) {
    case 'ADDRESS_REFUSED':
      return { code: error.code, message: error.message };
    case 'TLS_VERIFY_FAILED':
      return {
        code: error.code,
        message: `The TLS connection failed${codeIn(error)}. Give the endpoint a certificate that this server trusts.`,
      };
    case 'UPSTREAM_TIMEOUT':
      return {
        code: 'WEBHOOK_TIMEOUT',
        message: `The endpoint did not answer within ${attemptMs / 1000} s. Let it answer first and work afterwards.`,
      };
    default:
      return {
        code: 'WEBHOOK_UNREACHABLE',
        message: `The endpoint could not be reached${codeIn(error)}. Check that it runs, and that this server reaches it.`,
      };
  }
}

/** The system's code for it, e.g. ECONNREFUSED. */
function codeIn(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; depth += 1) {
    if ('code' in cause && typeof cause.code === 'string' && cause !== error) return ` (${cause.code})`;
    ({ cause } = cause);
  }
  return '';
}
