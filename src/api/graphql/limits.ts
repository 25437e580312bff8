import { GraphQLError, Kind, Lexer, Source, TokenKind, parse } from 'graphql';
import type { DocumentNode, FragmentDefinitionNode, SelectionNode, SelectionSetNode } from 'graphql';

/** Generous for people and programs, and small enough that no request is expensive (fault 85). */
export const queryLimits = {
  /** GraphQL tokens of the document; the introspection query has about 300. */
  tokens: 2_000,
  /** Nesting depth of fields; the introspection query has 15. */
  depth: 15,
  fields: 500,
  aliases: 50,
  directives: 50,
  /** Objects that the `first` arguments allow a query to return, including those on the way to others. */
  nodes: 100_000,
} as const;

/** The cost of a query by these measures, returned in `extensions.cost`. */
export interface QueryCost {
  readonly depth: number;
  readonly fields: number;
  readonly nodes: number;
  /** The maximum of `nodes`. */
  readonly nodesMax: number;
}

/**
 * Parses a document and refuses a document that is too large or too deep, before validation and execution. Every transport calls it.
 * @throws GraphQLError `QUERY_TOO_COMPLEX`, or `GRAPHQL_PARSE_FAILED`
 */
export function parseWithinLimits(
  query: string,
  variables?: Readonly<Record<string, unknown>> | null,
): { readonly document: DocumentNode; readonly cost: QueryCost } {
  countTokens(query);
  let document: DocumentNode;
  try {
    document = parse(query, { maxTokens: queryLimits.tokens });
  } catch (error) {
    throw asParseError(error);
  }
  return { document, cost: checkDocument(document, variables ?? {}) };
}

function countTokens(query: string): void {
  const lexer = new Lexer(new Source(query));
  try {
    for (let tokens = 0; lexer.advance().kind !== TokenKind.EOF; tokens += 1)
      if (tokens === queryLimits.tokens) throw tooComplex('tokens', `more than ${queryLimits.tokens}`);
  } catch (error) {
    throw asParseError(error);
  }
}

function asParseError(error: unknown): unknown {
  if (!(error instanceof GraphQLError) || error.extensions['code'] !== undefined) return error;
  return new GraphQLError(error.message, {
    source: error.source,
    positions: error.positions,
    extensions: { code: 'GRAPHQL_PARSE_FAILED' },
  });
}

function tooComplex(what: keyof typeof queryLimits, count: number | string): GraphQLError {
  const limits = { ...queryLimits, depth: `${queryLimits.depth} fields below one another` };
  return new GraphQLError(
    `The query is too complex: its ${what} are ${count}; at most ${limits[what]} are accepted. Ask for less, or in several queries.`,
    { extensions: { code: 'QUERY_TOO_COMPLEX' } },
  );
}

interface Size {
  readonly depth: number;
  readonly fields: number;
  readonly aliases: number;
  readonly directives: number;
  readonly nodes: number;
}

const nothing: Size = { depth: 0, fields: 0, aliases: 0, directives: 0, nodes: 0 };

/**
 * @returns the cost of the most expensive operation
 * @throws GraphQLError `QUERY_TOO_COMPLEX`, also for circular fragments
 */
function checkDocument(document: DocumentNode, variables: Readonly<Record<string, unknown>>): QueryCost {
  const measure = createMeasure(document, variables);
  let dearest = nothing;
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION)
      continue;
    const size = measure(definition.selectionSet);
    const directives = size.directives + (definition.directives?.length ?? 0);
    for (const what of ['depth', 'fields', 'aliases', 'nodes'] as const)
      if (size[what] > queryLimits[what]) throw tooComplex(what, size[what]);
    if (directives > queryLimits.directives) throw tooComplex('directives', directives);
    if (definition.kind === Kind.OPERATION_DEFINITION && size.nodes >= dearest.nodes) dearest = size;
  }
  const { depth, fields, nodes } = dearest;
  return { depth, fields, nodes, nodesMax: queryLimits.nodes };
}

/** Measures as if each fragment was expanded, but visits each only once: the work is linear in the document. */
function createMeasure(document: DocumentNode, variables: Readonly<Record<string, unknown>>) {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const measured = new Map<string, Size | 'open'>();

  function measureFragment(name: string): Size {
    const known = measured.get(name);
    if (known === 'open') throw tooComplex('depth', `without end: the fragment ${name} holds itself`);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    // Validation reports the missing fragment.
    if (fragment === undefined) return nothing;
    measured.set(name, 'open');
    const size = measureSet(fragment.selectionSet);
    measured.set(name, size);
    return size;
  }

  function measureSelection(selection: SelectionNode): Size {
    const directives = selection.directives?.length ?? 0;
    if (selection.kind !== Kind.FIELD) {
      const inner =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? measureFragment(selection.name.value)
          : measureSet(selection.selectionSet);
      return { ...inner, directives: inner.directives + directives };
    }
    const inner = selection.selectionSet === undefined ? nothing : measureSet(selection.selectionSet);
    const isObject = selection.selectionSet !== undefined;
    return {
      depth: inner.depth + 1,
      fields: inner.fields + 1,
      aliases: inner.aliases + (selection.alias === undefined ? 0 : 1),
      directives: inner.directives + directives,
      nodes: isObject ? countObjects(selection, inner.nodes, variables) : 0,
    };
  }

  function measureSet(set: SelectionSetNode): Size {
    const sizes = set.selections.map(measureSelection);
    return {
      depth: sizes.reduce((most, size) => Math.max(most, size.depth), 0),
      fields: total(sizes, 'fields'),
      aliases: total(sizes, 'aliases'),
      directives: total(sizes, 'directives'),
      nodes: total(sizes, 'nodes'),
    };
  }
  return measureSet;
}

function total(sizes: readonly Size[], what: keyof Size): number {
  return sizes.reduce((sum, size) => sum + size[what], 0);
}

const unpagedLists = new Set(['manifests', 'blobs', 'signatures', 'referrers']);

/**
 * The number of objects that a field may return, including all below it. A page counts as the connection and `first` nodes. A variable
 * without a value counts as the maximum.
 */
function countObjects(
  field: Extract<SelectionNode, { kind: Kind.FIELD }>,
  below: number,
  variables: Readonly<Record<string, unknown>>,
): number {
  const first = field.arguments?.find((argument) => argument.name.value === 'first')?.value;
  // Typical list lengths: an index has few manifests, a manifest few blobs. The real number is counted while it is read.
  if (first === undefined) return (unpagedLists.has(field.name.value) ? 5 : 1) * (1 + below);
  const value =
    first.kind === Kind.INT
      ? Number(first.value)
      : first.kind === Kind.VARIABLE
        ? variables[first.name.value]
        : undefined;
  const length = typeof value === 'number' ? Math.min(Math.max(value, 1), 100) : 100;
  return 1 + length * below;
}
