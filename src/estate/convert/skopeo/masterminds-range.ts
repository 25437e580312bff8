interface Comparison {
  readonly operator: string;
  readonly version: string;
}

const comparison =
  /^(=|!=|>=|=>|<=|=<|>|<|~>|~|\^|)\s*v?(\d{1,9}|[xX*])(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?(-[0-9A-Za-z.-]+)?$/;
const operators: Readonly<Record<string, string>> = { '=>': '>=', '=<': '<=', '~>': '~', '=': '' };

/**
 * Constraints of Masterminds/semver v3 (its README, "Checking Version Constraints") in words of node-semver: commas and blanks are "and",
 * `||` is "or". Both take the same releases, and neither takes pre-releases unless the constraint names one.
 * @returns the reason for what node-semver reads otherwise
 */
export function translateConstraint(text: string): { readonly range: string } | { readonly mistake: string } {
  const alternatives: string[] = [];
  for (const alternative of text.split('||')) {
    const parts = splitComparisons(expandHyphens(alternative));
    const translated: string[] = [];
    for (const part of parts) {
      const found = readComparison(part);
      if ('mistake' in found) return found;
      translated.push(`${found.operator}${found.version}`);
    }
    if (translated.length === 0) return { mistake: `${JSON.stringify(text)} has an empty part.` };
    alternatives.push(translated.join(' '));
  }
  return { range: alternatives.join(' || ') };
}

/** `1.2 - 1.4` is `>=1.2 <=1.4`. */
function expandHyphens(text: string): string {
  const words = text.split(/\s+/);
  const at = words.indexOf('-', 1);
  const [from, , to] = words.slice(at - 1);
  if (at < 0 || from === undefined || to === undefined) return text;
  return words.toSpliced(at - 1, 3, `>=${from}`, `<=${to}`).join(' ');
}

/** An operator may have blanks after it. */
function splitComparisons(text: string): string[] {
  return text
    .replaceAll(/([=<>~^!])\s+/g, '$1')
    .split(/[\s,]+/)
    .filter((part) => part !== '');
}

function readComparison(part: string): Comparison | { readonly mistake: string } {
  const match = comparison.exec(part);
  if (match === null) return { mistake: `${JSON.stringify(part)} is not a comparison of versions.` };
  const [, given = '', ...texts] = match;
  const [major, minor, patch, preRelease] = texts;
  const quoted = JSON.stringify(part);
  if (preRelease !== undefined)
    return {
      mistake: `${quoted} takes pre-releases of all versions, and variants such as 1.2.3-alpine. Ranges of Tidemark have other pre-releases.`,
    };
  if (given === '!=') return { mistake: `${quoted} has no equivalent in node-semver. Use excludeTags.` };
  const operator = operators[given] ?? given;
  const numbers = untilWildcard([major, minor, patch]);
  if (numbers.length === 0)
    return ['', '~', '>='].includes(operator)
      ? { operator: '', version: '*' }
      : { mistake: `${quoted} means nothing in node-semver.` };
  // ~0.0.0 takes every version there
  if (operator === '~' && numbers.length === 3 && numbers.every((number) => number === 0))
    return { operator: '', version: '*' };
  return { operator, version: numbers.join('.') };
}

/** What follows a wildcard is without effect. */
function untilWildcard(parts: readonly (string | undefined)[]): number[] {
  const end = parts.findIndex((part) => part === undefined || /^[xX*]$/.test(part));
  return parts.slice(0, end < 0 ? undefined : end).map(Number);
}
