import { LineCounter, isNode, isScalar, parseAllDocuments, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import { quoteValue } from '../oci/error.ts';
import type { FileMistake } from './file-mistake.ts';
import type { SourceFile } from './read-files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** One YAML document of a file, as plain values. */
export interface ParsedDocument {
  readonly file: string;
  readonly value: unknown;
  /** The place of the value at a path; of its parent where the value came by an alias. */
  locate(path: readonly (string | number)[]): string;
  /** Whether a text stood in the file as it is, not from a variable. */
  isLiteral(path: readonly (string | number)[]): boolean;
  /** Whether a text is a variable alone, so that it may stand for a number. */
  isVariable(path: readonly (string | number)[]): boolean;
}

/** Aliases may repeat a value; this many are far more than a file of people has. */
const aliasesMax = 10_000;

/** Parses the YAML of a file, and puts the values of `${VARIABLE}` in their places. */
export function parseDocuments(
  { path, text }: SourceFile,
  environment: Environment,
): { readonly documents: readonly ParsedDocument[]; readonly mistakes: readonly FileMistake[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const mistakes: FileMistake[] = [];
  const documents = ('empty' in parsed ? [] : parsed).flatMap((document) => {
    for (const { pos, message } of document.errors)
      mistakes.push({ place: at(pos[0]), message: `${message}.` });
    if (document.errors.length > 0) return [];
    const variables = substitute(document, environment, (node, message) =>
      mistakes.push({ place: at(node.range?.[0] ?? 0), message }),
    );
    return [toParsed(path, document, { at, variables, mistakes })];
  });
  return { documents, mistakes };
}

interface Variables {
  /** Texts with a variable in them. */
  readonly any: ReadonlySet<unknown>;
  /** Unquoted texts that are a variable alone. */
  readonly whole: ReadonlySet<unknown>;
}

function toParsed(
  file: string,
  document: Document,
  {
    at,
    variables,
    mistakes,
  }: {
    readonly at: (offset: number) => string;
    readonly variables: Variables;
    readonly mistakes: FileMistake[];
  },
): ParsedDocument {
  const nodeAt = (path: readonly (string | number)[]): unknown => document.getIn([...path], true);
  return {
    file,
    value: readValue(document, at, mistakes),
    locate(path) {
      for (let length = path.length; length >= 0; length -= 1) {
        const node = length === 0 ? document.contents : nodeAt(path.slice(0, length));
        if (isNode(node) && node.range) return at(node.range[0]);
      }
      return file;
    },
    isLiteral: (path) => !variables.any.has(nodeAt(path)),
    isVariable: (path) => variables.whole.has(nodeAt(path)),
  };
}

function readValue(document: Document, at: (offset: number) => string, mistakes: FileMistake[]): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    mistakes.push({ place: at(document.contents?.range?.[0] ?? 0), message: `${message}.` });
    return null;
  }
}

interface VariableReference {
  readonly name: string;
  readonly fallback: string | undefined;
  /** The place after its `}`. */
  readonly end: number;
}

/** Puts values in the places of `${NAME}` and `${NAME:-default}`. `$${` stands for `${`; other text stays. */
function expand(text: string, valueOf: (reference: VariableReference) => string): string {
  const readReference = referenceReader(text);
  let expanded = '';
  let at = 0;
  for (let start = text.indexOf('${'); start >= 0; start = text.indexOf('${', at)) {
    const isEscaped = start > at && text[start - 1] === '$';
    const reference = isEscaped ? undefined : readReference(start + 2);
    expanded += text.slice(at, isEscaped ? start - 1 : start);
    expanded += reference === undefined ? '${' : valueOf(reference);
    at = reference?.end ?? start + 2;
  }
  return expanded + text.slice(at);
}

/** Reads what follows `${`; undefined for other text. A closing brace is looked for once, however many texts lack one. */
function referenceReader(text: string): (at: number) => VariableReference | undefined {
  let close = 0;
  return (at) => {
    const namePattern = /[A-Za-z_][A-Za-z0-9_]{0,127}/y;
    namePattern.lastIndex = at;
    const [name] = namePattern.exec(text) ?? [];
    if (name === undefined) return undefined;
    const after = at + name.length;
    if (text[after] === '}') return { name, fallback: undefined, end: after + 1 };
    if (!text.startsWith(':-', after)) return undefined;
    if (close >= 0 && close < after) close = text.indexOf('}', after);
    return close < 0 ? undefined : { name, fallback: text.slice(after + 2, close), end: close + 1 };
  };
}

function substitute(
  document: Document,
  environment: Environment,
  report: (node: Node, message: string) => void,
): Variables {
  const any = new Set<unknown>();
  const whole = new Set<unknown>();
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const isWhole = isScalar(node) && node.type === 'PLAIN' && /^\$\{[^}]*\}$/.test(node.value);
      node.value = expand(node.value, ({ name, fallback }) => {
        any.add(node);
        const value = environment[name] ?? fallback;
        if (value === undefined)
          report(
            node,
            `the environment has no variable ${quoteValue(name)}; set it, or write \${${name}:-default}.`,
          );
        return value ?? '';
      });
      if (isWhole) whole.add(node);
    },
  });
  return { any, whole };
}
