import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

/** What a task shows of the error that ended it. @param what For the message of what we did not expect: `The sync`. */
export function describeFailure(error: unknown, what: string): { code: string; message: string } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'INTERNAL', message: cause.message };
  return {
    code: 'INTERNAL',
    message: `${what} stopped: ${cause instanceof Error ? cause.message : String(cause)}`,
  };
}
