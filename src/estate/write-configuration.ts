import { Document, isMap, isSeq } from 'yaml';
import type { YAMLMap } from 'yaml';
import { escapeVariables } from './escape-variables.ts';

export interface StateEntry {
  readonly name: string;
  readonly value: object;
  /** Fields with secrets, which are not exported. */
  readonly secrets: readonly string[];
}

/** The sections of the file, and their names in the API. */
export const exportSections = [
  ['signaturePolicies', 'SIGNATURE_POLICY'],
  ['credentials', 'CREDENTIAL'],
  ['remotes', 'REMOTE'],
  ['repositories', 'REPOSITORY'],
  ['distributions', 'DISTRIBUTION'],
  ['mirrorRules', 'MIRROR_RULE'],
  ['proxies', 'PROXY'],
  ['webhooks', 'WEBHOOK'],
] as const;

/** The running state as tidemark.yaml. Secrets are named in comments. */
export function writeConfiguration(
  name: string,
  state: Readonly<Record<string, readonly StateEntry[]>>,
): string {
  const sections = Object.entries(state).filter(([, entries]) => entries.length > 0);
  const document = new Document({
    name: escapeVariables(name),
    ...Object.fromEntries(
      sections.map(([section, entries]) => [section, entries.map(({ value }) => escapeVariables(value))]),
    ),
  });
  document.commentBefore = ' Written by tidemark export-config.';
  for (const [section, entries] of sections) {
    const list = document.get(section);
    if (!isSeq(list)) continue;
    for (const [index, { secrets }] of entries.entries()) {
      const item = list.items[index];
      if (secrets.length > 0 && isMap(item)) nameSecrets(item, secrets);
    }
  }
  return document.toString({ lineWidth: 0 });
}

function nameSecrets(item: YAMLMap, secrets: readonly string[]): void {
  item.comment = ` Stored, and not exported: ${secrets.join(', ')}. Applied to this server, they stay as they are.`;
}
