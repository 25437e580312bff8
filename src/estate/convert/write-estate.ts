import { basename } from 'node:path';
import { stringify } from 'yaml';
import { escapeVariables } from '../escape-variables.ts';
import type { EstateFile } from './estate-file.ts';
import { describeFinding } from './findings.ts';
import type { Finding } from './findings.ts';

/** tidemark.yaml, with a comment that says what it was made from and what was left out. The same input gives the same text. */
export function writeEstate(estate: EstateFile, path: string, findings: readonly Finding[]): string {
  const file = basename(path);
  const lines = [
    `Converted by "tidemark convert" from ${file}.`,
    ...(estate.repositories.some(({ schedules }) => schedules !== undefined)
      ? []
      : ['It has no schedules: add `schedules` to the repositories, or sync them by hand.']),
    ...(findings.length > 0 ? ['', 'What needs your eye:'] : []),
    ...findings.map((finding) => describeFinding(file, finding)),
  ];
  const comment = lines.map((line) => `# ${onOneLine(line)}`.trimEnd()).join('\n');
  return `${comment}\n\n${stringify(escapeVariables(estate), { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false })}`;
}

/** A comment ends with its line. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\ufeff]/gu, ' ');
}
