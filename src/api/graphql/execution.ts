import { GraphQLError, getOperationAST, validate } from 'graphql';
import type { DocumentNode, ExecutionArgs, GraphQLSchema } from 'graphql';
import type { RequestContext } from './context.ts';
import { parseWithinLimits } from './limits.ts';

/** A GraphQL request of a socket or an event stream. */
export interface OperationRequest {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
}

/** The steps before execution, the same for each transport: limits, then validation. Returns the errors, if any. */
export function prepareOperation(
  schema: GraphQLSchema,
  request: OperationRequest,
  contextValue: RequestContext,
): ExecutionArgs | readonly GraphQLError[] {
  const { query, operationName, variables } = request;
  if (typeof query !== 'string')
    return [badRequest('The request has no query; expected a GraphQL document.')];
  if (!isRecord(variables ?? {})) return [badRequest('variables must be an object.')];
  if (typeof (operationName ?? '') !== 'string') return [badRequest('operationName must be a string.')];
  let document: DocumentNode;
  try {
    const parsed = parseWithinLimits(query, variables as Record<string, unknown> | null | undefined);
    document = parsed.document;
    contextValue.cost = parsed.cost;
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
  const name = typeof operationName === 'string' ? operationName : undefined;
  const errors = validate(schema, document);
  if (errors.length > 0) return errors;
  if (!getOperationAST(document, name))
    return [badRequest('The document has no operation of this name, or several and no name was given.')];
  return {
    schema,
    document,
    contextValue,
    ...(name === undefined ? {} : { operationName: name }),
    variableValues: (variables ?? {}) as Record<string, unknown>,
  };
}

export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
