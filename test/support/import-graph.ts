/** What the sources import, read from their text: enough for rules about folders and packages. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Import {
  /** A file of ours from the project's root (`src/oci/digest.ts`), or a module's name (`undici`, `node:net`). */
  readonly target: string;
  /** `import type` and `export type`: nothing of it is there when the program runs. */
  readonly typeOnly: boolean;
}

/** By file, from the project's root, with `/` between folders. */
export type ImportGraph = ReadonlyMap<string, readonly Import[]>;

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** All `.ts` files below a folder of the project. */
export function listSources(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => slashes(join(folder, name)))
    .sort();
}

export function readImportGraph(folder: string): ImportGraph {
  return new Map(
    listSources(folder).map((file) => [
      file,
      readImports(file, readFileSync(join(projectRoot, file), 'utf8')),
    ]),
  );
}

const statement =
  /^[ \t]*(?:import|export)\s+(type\s+(?!from\b))?(?:[\w*$\s{},]+?\s+from\s+)?['"]([^'"\n]+)['"]/gm;
const call = /\b(?:import|require|require\.resolve)\(\s*(?:\/\*[^*]*\*\/\s*)?['"]([^'"\n]+)['"]/g;

/** The imports of one file. Braces in which each name says `type` by itself count as a value: they stay in the output. */
export function readImports(file: string, source: string): Import[] {
  const text = source.replaceAll(/^[ \t]*(?:\/\/|\/?\*).*$/gm, '');
  const fromStatements = [...text.matchAll(statement)].map(([, type, specifier = '']) => ({
    target: resolveTarget(file, specifier),
    typeOnly: type !== undefined,
  }));
  const fromCalls = [...text.matchAll(call)].map(([, specifier = '']) => ({
    target: resolveTarget(file, specifier),
    typeOnly: false,
  }));
  return [...fromStatements, ...fromCalls];
}

/** What runs when `file` runs, each with the file that imports it: files of ours and modules; types excluded. */
export function reach(graph: ImportGraph, file: string): { readonly target: string; readonly by: string }[] {
  return [...follow(graph, file, false)].map(([target, by]) => ({ target, by }));
}

/** The files of each circle of imports, imports of types included. */
export function findCircles(graph: ImportGraph): string[][] {
  const reached = new Map([...graph.keys()].map((file) => [file, follow(graph, file, true)]));
  const circles = [...graph.keys()].map((file) =>
    [...graph.keys()].filter((other) => reached.get(file)?.has(other) && reached.get(other)?.has(file)),
  );
  return circles.filter((circle, index) => circle[0] === [...graph.keys()][index]);
}

function follow(graph: ImportGraph, file: string, withTypes: boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const open = [file];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    for (const { target, typeOnly } of graph.get(from) ?? []) {
      if ((typeOnly && !withTypes) || found.has(target)) continue;
      found.set(target, from);
      open.push(target);
    }
  }
  return found;
}

/** `@mikro-orm/core` of `@mikro-orm/core/x`; undefined for a file of ours. */
export function packageName(target: string): string | undefined {
  if (target.startsWith('src/') || target.startsWith('test/') || target.startsWith('node:')) return undefined;
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}

function resolveTarget(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  const path = normalize(join(dirname(file), specifier));
  return slashes(relative('.', path));
}

function slashes(path: string): string {
  return path.split(sep).join('/');
}
