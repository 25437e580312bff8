import type { Values } from './rule-values.ts';

export const discoveries: readonly { readonly value: Values['discovery']; readonly label: string }[] = [
  { value: 'CATALOG', label: "The registry's catalog" },
  { value: 'HARBOR', label: "Harbor's API" },
  { value: 'QUAY', label: "Quay's API" },
  { value: 'DOCKER_HUB', label: "Docker Hub's API" },
  { value: 'TIDEMARK', label: 'Another Tidemark' },
  { value: 'LIST', label: 'A list of names' },
];

export function discoveryLabel(discovery: Values['discovery']): string {
  return discoveries.find(({ value }) => value === discovery)?.label ?? discovery;
}
