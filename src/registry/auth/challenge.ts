/** A challenge of a `WWW-Authenticate` field. Scheme and parameter names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const whitespace = /[ \t]*/y;
const listSeparator = /[ \t,]*/y;
const parameterStart = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?=["!#$%&'*+.^_`|~0-9A-Za-z:/-])/y;
const quoted = /"((?:[^"\\]|\\[\s\S])*)"/y;
/** Wider than the grammar's token: some registries omit the quotes of a URL. */
const bareValue = /[^\s",]+/y;
const token68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * The challenges of a `WWW-Authenticate` field (RFC 9110 section 11.6.1), with `=` and `,` allowed inside quotes. Undefined if the field cannot be
 * parsed to its end, as with an unterminated quote.
 */
export function parseChallenges(field: string): Challenge[] | undefined {
  if (field.length > 16_384) return undefined;
  const reader = readerOf(field);
  const challenges: Challenge[] = [];
  reader.take(listSeparator);
  while (!reader.atEnd()) {
    const scheme = reader.take(token)?.[0];
    if (scheme === undefined) return undefined;
    const parameters = readParameters(reader);
    if (parameters === undefined) return undefined;
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    reader.take(listSeparator);
  }
  return challenges;
}

interface Reader {
  take(pattern: RegExp): RegExpExecArray | undefined;
  atEnd(): boolean;
  readonly position: number;
  back(position: number): void;
}

function readerOf(text: string): Reader {
  let position = 0;
  return {
    take(pattern) {
      pattern.lastIndex = position;
      const match = pattern.exec(text);
      if (match === null) return undefined;
      position = pattern.lastIndex;
      return match;
    },
    atEnd: () => position >= text.length,
    get position() {
      return position;
    },
    back(earlier) {
      position = earlier;
    },
  };
}

/** Reads up to the next scheme, which is a word without `=`. */
function readParameters(reader: Reader): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  reader.take(whitespace);
  if (reader.take(token68) !== undefined && !reader.atEnd()) return parameters;
  for (;;) {
    const before = reader.position;
    reader.take(listSeparator);
    const name = reader.take(parameterStart)?.[1]?.toLowerCase();
    if (name === undefined) {
      reader.back(before);
      return parameters;
    }
    const quotedValue = reader.take(quoted)?.[1];
    const value = quotedValue?.replace(/\\([\s\S])/g, '$1') ?? reader.take(bareValue)?.[0];
    if (value === undefined) return undefined;
    // The first of repeated parameters wins, so that nothing can override it.
    if (!parameters.has(name)) parameters.set(name, value);
    reader.take(whitespace);
    if (!reader.atEnd() && reader.take(/,/y) === undefined) return undefined;
  }
}
