import { GraphQLError, GraphQLScalarType, Kind, print } from 'graphql';
import { GraphQLDateTime } from 'graphql-scalars';
import { isDigest } from '../../oci/digest.ts';
import { quoteValue } from '../../oci/error.ts';

/** RFC 3339, UTC. */
export const DateTime = new GraphQLScalarType({
  ...GraphQLDateTime.toConfig(),
  name: 'DateTime',
  description: 'A date and time in UTC as in RFC 3339, e.g. 2026-05-04T12:34:56.789Z.',
  specifiedByURL: null,
});

export const ByteCount = new GraphQLScalarType<number, number>({
  name: 'ByteCount',
  description: 'A number of bytes: a non-negative integer up to 2^53-1, as a JSON number.',
  serialize: (value) => byteCount(Number(value)),
  parseValue: byteCount,
  parseLiteral: (node) => byteCount(node.kind === Kind.INT ? Number(node.value) : print(node)),
});

function byteCount(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new GraphQLError(
    `ByteCount is ${quoteValue(value)}; expected a whole number of bytes from 0 to ${Number.MAX_SAFE_INTEGER}.`,
  );
}

export const DigestScalar = new GraphQLScalarType<string, string>({
  name: 'Digest',
  description: 'A content digest: `sha256:` with 64, or `sha512:` with 128 lower-case hexadecimal digits.',
  serialize: (value) => {
    if (!isDigest(value)) throw new TypeError('Not a digest.');
    return value;
  },
});

/** A number that others chose, as GraphQL's Int. */
export function atMostInt(value: number): number {
  return Math.min(value, 2 ** 31 - 1);
}
