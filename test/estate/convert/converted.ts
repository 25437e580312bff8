import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { convertFile } from '../../../src/estate/convert/convert.ts';
import type { Conversion } from '../../../src/estate/convert/convert.ts';
import type { EstateFile } from '../../../src/estate/convert/estate-file.ts';
import { testSecret } from '../../support/test-secret.ts';

export const password = testSecret('convert');

export function convert(file: string): Conversion & { readonly file: EstateFile } {
  const text = readFileSync(new URL(`files/${file}`, import.meta.url), 'utf8').replaceAll('SECRET', password);
  const conversion = convertFile({ text, file, name: 'production' });
  return { ...conversion, file: parse(conversion.estate) as EstateFile };
}

/** `LEFT_OUT 14:7 sync[2].backup`. */
export const briefly = ({ findings }: Conversion): string[] =>
  findings.map(({ kind, line, column, path }) => `${kind} ${line}:${column} ${path}`);
