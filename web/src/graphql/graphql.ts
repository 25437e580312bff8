import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './schema-types.d.ts';

/** Typed operations: the schema's types are checked against each document. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { ByteCount: number; DateTime: string; Digest: string };
}>();

export { readFragment } from 'gql.tada';
export type { FragmentOf, ResultOf, VariablesOf } from 'gql.tada';
