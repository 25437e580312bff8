import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Inputs that broke a parser once, `test/fuzz/corpus/<target>.json`: parts, each with how often it is repeated. */
export function readCorpus(target: string): string[] {
  const file = fileURLToPath(new URL(`./corpus/${target}.json`, import.meta.url));
  if (!existsSync(file)) return [];
  const entries = JSON.parse(readFileSync(file, 'utf8')) as readonly (readonly [string, number])[][];
  return entries.map((parts) => parts.map(([text, times]) => text.repeat(times)).join(''));
}
