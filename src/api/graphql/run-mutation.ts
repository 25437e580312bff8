import type { VersionReference } from '../../operations/content.ts';
import { parseNumericId, parseVersionId } from '../../operations/global-id.ts';
import type { NodeTypeName } from '../../operations/global-id.ts';
import type { Mistake } from '../../operations/mistakes.ts';
import type { Outcome, Reference } from '../../operations/operation.ts';
import { forgetReads } from './context.ts';
import type { RequestContext } from './context.ts';
import type { DeletePayload } from './payload.type.ts';

export function toReference(type: NodeTypeName, field: string, text: string): Reference {
  return { key: parseNumericId(type, text), field, text };
}

export function toVersionReference(text: string): VersionReference {
  return { key: parseVersionId(text), text };
}

/** Undefined keeps a field and null clears it, as in the input. */
export function toOptionalReference(
  type: NodeTypeName,
  field: string,
  text: string | null | undefined,
): Reference | null | undefined {
  return typeof text === 'string' ? toReference(type, field, text) : text;
}

/** The payload of an operation: the value as `load` reads it after the change, or `nothing` with the errors. */
export async function runMutation<T, P extends object>(
  context: RequestContext,
  operation: Promise<Outcome<T>>,
  load: (value: T) => Promise<P> | P,
  nothing: P,
): Promise<P & { userErrors: Mistake[] }> {
  const outcome = await operation;
  if (outcome.mistakes !== undefined) return { ...nothing, userErrors: outcome.mistakes };
  forgetReads(context);
  return { ...(await load(outcome.value)), userErrors: [] };
}

/** The payload of a deletion. */
export function runDeletion(
  context: RequestContext,
  id: string,
  operation: Promise<Outcome<undefined>>,
): Promise<DeletePayload> {
  return runMutation<undefined, Pick<DeletePayload, 'deletedId'>>(
    context,
    operation,
    () => ({ deletedId: id }),
    {
      deletedId: null,
    },
  );
}
