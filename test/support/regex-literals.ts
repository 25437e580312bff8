import { parseAst } from 'vitest/node';

export interface RegexLiteral {
  readonly pattern: string;
  readonly flags: string;
  /** `src/x.ts:12` */
  readonly place: string;
  /** What a comment beside it says of its input: `// regex input: at most 255 characters`. */
  readonly maxLength: number | undefined;
}

export interface FoundRegexes {
  readonly literals: readonly RegexLiteral[];
  /** Where one is built at run time, which nobody can prove. */
  readonly built: readonly string[];
}

interface AstNode {
  readonly type: string;
  readonly start: number;
  readonly regex?: { readonly pattern: string; readonly flags: string };
  readonly callee?: { readonly type: string; readonly name?: string };
}

const boundComment = /\/\/ regex input: at most (\d{1,9}) characters\b/;

/** All regular expressions of a file, by its syntax tree: neither strings nor divisions are taken for one. */
export function findRegexes(file: string, source: string): FoundRegexes {
  const lines = source.split('\n');
  const literals: RegexLiteral[] = [];
  const built: string[] = [];
  const starts = lineStarts(source);
  visit(parseAst(source, { lang: file.endsWith('.ts') ? 'ts' : 'js' }, file), (node) => {
    const line = starts.findLastIndex((start) => start <= node.start);
    const place = `${file}:${line + 1}`;
    if (node.type === 'Literal' && node.regex !== undefined) {
      const bound = boundComment.exec(`${lines[line - 1] ?? ''}\n${lines[line] ?? ''}`)?.[1];
      const maxLength = bound === undefined ? undefined : Number(bound);
      literals.push({ ...node.regex, place, maxLength });
    }
    if (/^(?:New|Call)Expression$/.test(node.type) && node.callee?.name === 'RegExp') built.push(place);
  });
  return { literals, built };
}

function lineStarts(source: string): number[] {
  return [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)];
}

function visit(value: unknown, see: (node: AstNode) => void): void {
  if (Array.isArray(value)) return value.forEach((entry) => visit(entry, see));
  if (typeof value !== 'object' || value === null) return;
  if ('type' in value && 'start' in value) see(value as AstNode);
  for (const [key, child] of Object.entries(value)) if (key !== 'regex') visit(child, see);
}
