import type { Repository } from '../../db/schema/repositories.ts';
import { refused } from '../operation.ts';
import type { Operator, Outcome } from '../operation.ts';
import { toFallbackFields } from './fallbacks.ts';
import { templateOf } from './remote-template.ts';
import type { TemplateRow, TemplateSecrets } from './remote-template.ts';
import { createRemote } from './remotes.ts';
import type { RemoteRules } from './remotes.ts';
import { createRepository } from '../repositories.ts';

export interface Templated {
  readonly row: TemplateRow & { readonly signaturePolicyId?: number | null | undefined };
  /** For messages: `the rule hub`. */
  readonly words: string;
  readonly secrets: TemplateSecrets;
  readonly rules: RemoteRules;
  /** Of the new repository and of its remote. */
  readonly name: string;
  readonly upstreamName: string;
  readonly isPrivate: boolean;
  /** A remote of that name that is there already, to use it. */
  readonly remoteId?: number | undefined;
}

/** Creates a repository and its remote as a mirror rule or a proxy says. Needs the role maintainer for the name, and a transaction. */
export async function makeTemplated(
  operator: Operator,
  { row, words, secrets, rules, name, upstreamName, isPrivate, remoteId }: Templated,
): Promise<Outcome<Repository>> {
  const text = `the one of ${words}`;
  const toReference = (field: string, key: number | null | undefined) =>
    typeof key === 'number' ? { key, field, text } : undefined;
  const fields = {
    ...templateOf(row, secrets),
    fallbacks: row.fallbacks.map(toFallbackFields),
    name,
    url: row.url,
    upstreamName,
    signaturePolicy: toReference('signaturePolicyId', row.signaturePolicyId),
    credential: toReference('credentialId', row.credentialId),
  };
  const remote = remoteId === undefined ? await createRemote(operator, fields, rules) : { value: remoteId };
  if (remote.mistakes !== undefined) return refused(...remote.mistakes);
  const reference = { key: remote.value, field: 'remoteId', text: name };
  return createRepository(operator, { name, remote: reference }, { isPrivate });
}
