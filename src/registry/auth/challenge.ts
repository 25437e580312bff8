/** One challenge of a `WWW-Authenticate` field: the scheme in lower case, the names of its parameters too. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const whitespace = /[ \t]*/y;
const listSeparator = /[ \t,]*/y;
const parameterStart = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?=["!#$%&'*+.^_`|~0-9A-Za-z:/-])/y;
const quoted = /"((?:[^"\\]|\\[\s\S])*)"/y;
/** Wider than the grammar's token: registries were seen that leave the quotes of a URL out. */
const bareValue = /[^\s",]+/y;
const token68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

/**
 * The challenges of a `WWW-Authenticate` field (RFC 9110 section 11.6.1): several in one field are told apart, `=` and
 * `,` may stand inside quotes. Undefined when the field cannot be read to its end (an unterminated quote, say).
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

/** Up to the next scheme, which is a word that no `=` follows. */
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
    // A repeated parameter has no meaning: the first one stays, so that nothing can be put behind it.
    if (!parameters.has(name)) parameters.set(name, value);
    reader.take(whitespace);
    if (!reader.atEnd() && reader.take(/,/y) === undefined) return undefined;
  }
}
