import type { Registry } from '../../../src/registry/registry.ts';
import { json } from './fake-upstream.ts';
import type { Answer } from './fake-upstream.ts';

export const path = '/v2/library/app/tags/list';
export const page = (tags: readonly string[], link?: string | string[]): Answer =>
  json({ name: 'library/app', tags }, link === undefined ? {} : { link });

export async function list(registry: Registry): Promise<string[]> {
  const names: string[] = [];
  for await (const found of registry.listTags()) names.push(...found.names);
  return names;
}
