import type { Values } from './rule-values.ts';

const labels: Readonly<Record<Values['discovery'], string>> = {
  CATALOG: "The registry's catalog",
  HARBOR: "Harbor's API",
  QUAY: "Quay's API",
  DOCKER_HUB: "Docker Hub's API",
  GITLAB: "GitLab's API",
  ECR: 'Amazon ECR, with a credential of the kind ECR',
  GOOGLE: "Google's lists of tags",
  TIDEMARK: 'Another Tidemark',
  LIST: 'A list of names',
};

export const discoveries = Object.entries(labels).map(([value, label]) => ({
  value: value as Values['discovery'],
  label,
}));

export function discoveryLabel(discovery: Values['discovery']): string {
  return labels[discovery];
}
