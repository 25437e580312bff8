import { TidemarkError } from '../oci/error.ts';

/** Globs over names with slashes: `*` and `?` stay within a part, `**` crosses parts, `{a,b}` is one of several. */

type Token =
  | { readonly kind: 'char'; readonly char: string }
  /** `?`: one character of a part; `*`: any number of them; `**`: any characters; `**` and a slash: any number of whole parts. */
  | { readonly kind: 'one' | 'part' | 'any' | 'parts' };

export interface Glob {
  /** One for each choice of the braces. */
  readonly alternatives: readonly (readonly Token[])[];
}

export const globMaxLength = 256;
const alternativesAtMost = 100;

/** Parses a glob. The mistake is a sentence. */
export function parseGlob(text: string): Glob | { readonly mistake: string } {
  if (text === '') return { mistake: 'The glob is empty; write ** for every repository.' };
  if (text.length > globMaxLength)
    return { mistake: `The glob has ${text.length} characters; at most ${globMaxLength} are accepted.` };
  const expanded = expandBraces(text);
  return 'mistake' in expanded ? expanded : { alternatives: expanded.texts.map(toTokens) };
}

/** Whether the whole name matches one of the globs. */
export function matchesGlobs(globs: readonly Glob[], name: string): boolean {
  return globs.some(({ alternatives }) => alternatives.some((tokens) => matches(tokens, name)));
}

/**
 * Which repositories a mirror rule or a proxy takes. Without include globs: all that are not excluded.
 * @throws TidemarkError `GLOB_INVALID`
 */
export function openRepositoryFilter({
  includeRepositories,
  excludeRepositories,
}: {
  readonly includeRepositories: readonly string[];
  readonly excludeRepositories: readonly string[];
}): (name: string) => boolean {
  const isIncluded = openGlobs(includeRepositories);
  const excluded = excludeRepositories.map(toGlob);
  return (name) => isIncluded(name) && !matchesGlobs(excluded, name);
}

/** Whether one of the globs matches. Without a glob: every name. @throws TidemarkError `GLOB_INVALID` */
export function openGlobs(texts: readonly string[]): (name: string) => boolean {
  const globs = texts.map(toGlob);
  return (name) => globs.length === 0 || matchesGlobs(globs, name);
}

function toGlob(text: string): Glob {
  const parsed = parseGlob(text);
  if ('mistake' in parsed) throw new TidemarkError('GLOB_INVALID', parsed.mistake, { origin: 'caller' });
  return parsed;
}

function expandBraces(text: string): { readonly texts: readonly string[] } | { readonly mistake: string } {
  let texts = [''];
  for (let at = 0; at < text.length;) {
    const char = text.charAt(at);
    if (char === '}') return { mistake: `The } at character ${at + 1} closes nothing; remove it.` };
    if (char !== '{') {
      texts = texts.map((before) => before + char);
      at += 1;
      continue;
    }
    const end = text.indexOf('}', at);
    const inside = text.slice(at + 1, end);
    if (end < 0 || inside.includes('{'))
      return { mistake: `The { at character ${at + 1} has no } before the next {; braces do not nest.` };
    const choices = inside.split(',');
    texts = texts.flatMap((before) => choices.map((choice) => before + choice));
    if (texts.length > alternativesAtMost)
      return {
        mistake: `The braces give more than ${alternativesAtMost} combinations; write several globs.`,
      };
    at = end + 1;
  }
  return { texts };
}

function toTokens(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const isPartStart = at === 0 || text[at - 1] === '/';
    if (text.startsWith('**', at)) {
      let end = at;
      while (text[end] === '*') end += 1;
      const isParts = isPartStart && text[end] === '/';
      tokens.push({ kind: isParts ? 'parts' : 'any' });
      at = isParts ? end + 1 : end;
      continue;
    }
    const char = text.charAt(at);
    tokens.push(char === '*' ? { kind: 'part' } : char === '?' ? { kind: 'one' } : { kind: 'char', char });
    at += 1;
  }
  return tokens;
}

/** Follows all possible positions at once: at most tokens × characters steps. */
function matches(tokens: readonly Token[], name: string): boolean {
  let states = withSkipped(tokens, new Set([0]));
  for (let at = 0; at < name.length && states.size > 0; at += 1) {
    const char = name.charAt(at);
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      if (token === undefined) continue;
      const isSlash = char === '/';
      if (token.kind === 'char' ? token.char === char : token.kind === 'one' && !isSlash) next.add(state + 1);
      else if (token.kind === 'any' || token.kind === 'parts' || (token.kind === 'part' && !isSlash))
        next.add(state);
    }
    // whole parts end at a slash only
    const leaves = (state: number) => tokens[state]?.kind !== 'parts' || char === '/';
    states = withSkipped(tokens, next, leaves);
  }
  return states.has(tokens.length);
}

/** The positions, and those after stars that take nothing more. */
function withSkipped(
  tokens: readonly Token[],
  states: Set<number>,
  leaves: (state: number) => boolean = () => true,
): Set<number> {
  for (const state of states) {
    const kind = tokens[state]?.kind;
    if ((kind === 'part' || kind === 'any' || kind === 'parts') && leaves(state)) states.add(state + 1);
  }
  return states;
}
