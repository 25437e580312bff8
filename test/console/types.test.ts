import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { consoleTypes, consoleTypesPath } from '../../scripts/console-types.mjs';

test("the console's types are those of the schema (npm run schema writes them)", () => {
  expect(consoleTypes()).toBe(readFileSync(consoleTypesPath, 'utf8'));
});
