import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import { quoteValue } from '../oci/error.ts';

/** A regular expression in RE2's syntax, matched against the whole tag in linear time. */
export interface TagPattern {
  matches(tag: string): boolean;
}

const patternLengthAtMost = 1_000;
/** Instructions of the compiled program: what one character of a tag costs at most. */
const instructionsAtMost = 1_000;

/** @throws PatternMistake for a pattern that does not compile, or is too large */
export function compileTagPattern(text: string): TagPattern {
  if (text.length > patternLengthAtMost)
    throw new PatternMistake(
      `A pattern has at most ${patternLengthAtMost} characters; this one has ${text.length}.`,
    );
  const compiled = compile(text);
  if (compiled.programSize() > instructionsAtMost)
    throw new PatternMistake(
      `${quoteValue(text)} compiles to ${compiled.programSize()} instructions, at most ${instructionsAtMost} are accepted. Use smaller repetitions, or several patterns.`,
    );
  return { matches: (tag) => compiled.matches(tag) };
}

/** Why a pattern cannot be used; undefined where it can. */
export function patternMistake(text: string): string | undefined {
  try {
    compileTagPattern(text);
    return undefined;
  } catch (error) {
    if (error instanceof PatternMistake) return error.message;
    throw error;
  }
}

export class PatternMistake extends Error {}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw new PatternMistake(describe(text, error));
    if (error instanceof RE2JSException)
      throw new PatternMistake(`${quoteValue(text)} is not a regular expression of RE2: ${error.message}.`);
    throw error;
  }
}

/** With the position of what RE2 names, from 1. */
function describe(text: string, error: RE2JSSyntaxException): string {
  const fragment = error.getPattern();
  const isWhole = fragment === null || fragment === text;
  const index = isWhole ? findUnclosed(text) : text.indexOf(fragment);
  const place = index < 0 ? '' : ` at character ${index + 1}`;
  const what = isWhole ? '' : `: ${quoteValue(fragment)}`;
  return `${quoteValue(text)} is not a regular expression of RE2${place}: ${error.getDescription()}${what}.`;
}

/** RE2 names the whole pattern when a parenthesis is not closed. This finds the innermost one; -1 when all are. */
function findUnclosed(text: string): number {
  const open: number[] = [];
  let isClass = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (isClass) isClass = text[at] !== ']';
    else if (text[at] === '[') isClass = true;
    else if (text[at] === '(') open.push(at);
    else if (text[at] === ')') open.pop();
  }
  return open.at(-1) ?? -1;
}
