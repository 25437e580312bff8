import { strict as assert } from 'node:assert';
import { GraphQLError } from 'graphql';
import { parseAuthorization } from '../../src/access/credentials.ts';
import { parseTarget } from '../../src/api/distribution/parse-path.ts';
import { parseWithinLimits, queryLimits } from '../../src/api/graphql/limits.ts';
import type { QueryCost } from '../../src/api/graphql/limits.ts';
import { isDigest } from '../../src/oci/digest.ts';
import { isRepositoryName, parseImageReference } from '../../src/oci/reference.ts';
import type { ImageReference } from '../../src/oci/reference.ts';
import { matchesToken, matchesWildcard, parseWildcard } from '../../src/selection/wildcard.ts';
import type { Wildcard } from '../../src/selection/wildcard.ts';
import { parseChallenges } from '../../src/registry/auth/challenge.ts';
import type { Challenge } from '../../src/registry/auth/challenge.ts';
import { nextLink } from '../../src/registry/tags/link.ts';
import { headTarget } from './head-target.ts';
import { googleListTarget, listedPageTarget } from './listing-targets.ts';
import type { FuzzTarget } from './target.ts';
import { manifest, descriptorTarget, json, digest, expectOurs } from './document-targets.ts';

const reference: FuzzTarget = {
  name: 'reference',
  dictionary: [
    'docker://', 'https://', 'localhost', ':5000', '/', '.', '_', '__', '-', '--', 'a', 'A', '0', '@', digest, 'sha256:', ':', '[::1]',
    'docker.io', 'library', 'a-', 'a.a', 'a__a', '127.0.0.1',
  ], // prettier-ignore
  frames: [
    ['localhost:5000/', ''],
    ['', `@${digest}`],
    ['a/', ':tag'],
  ],
  parse: (input) => parseImageReference(input),
  verify(_input, outcome) {
    const found = expectOurs(outcome, /^(?:REFERENCE|DIGEST)_/) as ImageReference | undefined;
    if (found === undefined) return;
    assert(isRepositoryName(found.upstreamName) && isRepositoryName(found.name));
    assert(URL.canParse(found.registryUrl), `the address ${found.registryUrl}`);
  },
};
const challenge: FuzzTarget = {
  name: 'challenge',
  dictionary: [
    'Bearer', 'Basic', ' ', '\t', ',', '=', '"', '\\', '\\"', 'realm', 'realm="', 'service=', 'scope="a:b:pull"', 'abc==', 'a=b', ' , ',
    'https://', '~+/',
  ], // prettier-ignore
  frames: [
    ['Bearer realm="', '"'],
    ['Bearer ', ''],
  ],
  parse: (input) => parseChallenges(input),
  verify(_input, outcome) {
    if ('error' in outcome) throw outcome.error;
    for (const { scheme, parameters } of (outcome.value as Challenge[] | undefined) ?? []) {
      assert.equal(scheme, scheme.toLowerCase());
      for (const name of parameters.keys()) assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
    }
  },
};
const link: FuzzTarget = {
  name: 'link',
  dictionary: [
    '<', '>', '</v2/a/tags/list?n=1>', ';', ' ; ', 'rel', '=', '"', 'rel="next"', 'rel=next', ',', '\\', '\\"', ' ', 'title="', 'NEXT', '\t',
  ], // prettier-ignore
  frames: [
    ['</a>', '; rel="next"'],
    ['</a>; rel="', '"'],
  ],
  parse: (input) => nextLink(input),
  verify(input, outcome) {
    if ('error' in outcome) throw outcome.error;
    if (outcome.value !== undefined) assert(input.includes(outcome.value as string));
  },
};
/** Row by row, as a textbook has it. */
function matchesSlowly({ tokens }: Wildcard, name: string): boolean {
  let row = [true, ...Array.from({ length: name.length }, () => false)];
  for (const token of tokens) {
    const next = Array.from({ length: name.length + 1 }, () => false);
    for (let at = 0; at <= name.length; at += 1)
      next[at] =
        token.kind === 'star'
          ? (row[at] ?? false) || (at > 0 && (next[at - 1] ?? false))
          : at > 0 && (row[at - 1] ?? false) && matchesToken(token, name.charAt(at - 1));
    row = next;
  }
  return row.at(-1) ?? false;
}
const wildcard: FuzzTarget = {
  name: 'wildcard',
  dictionary: [
    '*',
    '?',
    '[',
    ']',
    '!',
    '^',
    '-',
    '\\',
    'a',
    'b',
    '*a',
    '[a-z]',
    '[!a]',
    'a*',
    '[[:digit:]]',
    'v1.',
    '\n',
  ],
  frames: [
    ['*', '*b'],
    ['*a*a*a', ''],
  ],
  parse(input) {
    // a pattern and a name, in one input
    const [pattern = '', name = ''] = input.split('\n');
    const parsed = parseWildcard(pattern);
    return 'mistake' in parsed
      ? undefined
      : { parsed, name, matches: matchesWildcard(parsed, name.slice(0, 256)) };
  },
  verify(_input, outcome) {
    if ('error' in outcome) throw outcome.error;
    const { value } = outcome as { value: { parsed: Wildcard; name: string; matches: boolean } | undefined };
    if (value === undefined) return;
    assert.equal(value.matches, matchesSlowly(value.parsed, value.name.slice(0, 256)));
    if (value.parsed.exactName !== undefined) assert(matchesWildcard(value.parsed, value.parsed.exactName));
  },
};
const path: FuzzTarget = {
  name: 'path',
  dictionary: [
    '/v2/', '/', 'a', 'a/b', 'manifests/', 'blobs/', 'uploads/', 'referrers/', 'tags/list', '_catalog', digest, '%3A', '%2e', '..', '?', '&',
    'n=1', 'last=', '=', '#', 'extensions/v2/', 'signatures/', 'sha256:', '__', '-',
  ], // prettier-ignore
  frames: [
    ['/v2/', '/manifests/latest'],
    ['/v2/a/blobs/', ''],
    ['/extensions/v2/', `/signatures/${digest}`],
  ],
  parse: (input) => parseTarget(input),
  verify(_input, outcome) {
    const target = expectOurs(outcome) as { path: { name?: string; digest?: string } } | undefined;
    if (target?.path.name !== undefined) assert(isRepositoryName(target.path.name));
    if (target?.path.digest !== undefined) assert(isDigest(target.path.digest));
  },
};
const credentials: FuzzTarget = {
  name: 'credentials',
  dictionary: [
    'Bearer ',
    'Basic ',
    ' ',
    '=',
    '==',
    'YTpi',
    'OmI=',
    'a',
    '.',
    '~',
    '+',
    '/',
    ':',
    '-',
    '\t',
    ',',
  ],
  frames: [
    ['Bearer ', ''],
    ['Basic ', ''],
  ],
  parse: (input) => parseAuthorization(input),
  verify(input, outcome) {
    const found = expectOurs(outcome, /^UNAUTHENTICATED$/) as { scheme: string; secret?: string } | undefined;
    if (found?.scheme === 'bearer') assert(input.endsWith(found.secret ?? '\0'));
  },
};
const query: FuzzTarget = {
  name: 'query',
  dictionary: [
    '{', '}', '(', ')', ' a', ' ...f', ' fragment f on Query {', ' ... on Query {', ' @include(if: true)', ':', '$n', ' query ($n: Int) {',
    'repositories(first: 100) { nodes {', 'repositories(first: $n) { nodes {', ' name', '"', '"""', '#', '\n', '[', ']', ',', '{a', '\\u0041',
  ], // prettier-ignore
  frames: [
    ['{', '}'],
    ['{ ...f } fragment f on Query {', '}'],
    ['{a', '}'.repeat(200)],
  ],
  parse: (input) => parseWithinLimits(input, { n: 7 }),
  verify(_input, outcome) {
    if ('error' in outcome) {
      if (!(outcome.error instanceof GraphQLError)) throw outcome.error;
      assert.match(String(outcome.error.extensions['code']), /^(?:QUERY_TOO_COMPLEX|GRAPHQL_PARSE_FAILED)$/);
      return;
    }
    const { cost } = outcome.value as { cost: QueryCost };
    for (const what of ['depth', 'fields', 'nodes'] as const) assert(cost[what] <= queryLimits[what]);
  },
};
export const targets: readonly FuzzTarget[] = [
  manifest,
  descriptorTarget,
  json,
  reference,
  challenge,
  link,
  headTarget,
  googleListTarget,
  listedPageTarget,
  wildcard,
  path,
  credentials,
  query,
];
