import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import { credentialKind } from './credential-kind.ts';
import { distributionKind } from './distribution-kind.ts';
import type { Kind } from './kind.ts';
import { policyKind } from './policy-kind.ts';
import { proxyKind } from './makers/proxy-kind.ts';
import { remoteKind } from './remote-kind.ts';
import { repositoryKind } from './repository-kind.ts';
import { ruleKind } from './makers/rule-kind.ts';
import { scheduleKind } from './schedule-kind.ts';
import { webhookKind } from './makers/webhook-kind.ts';

/** Each kind, in the order in which things are created: what is named comes before what names it. */
export const kinds: readonly Kind[] = [
  policyKind,
  credentialKind,
  remoteKind,
  repositoryKind,
  scheduleKind,
  distributionKind,
  ruleKind,
  proxyKind,
  webhookKind,
];

/** The kinds with a section of their own. */
export const sectionKinds: readonly Kind[] = kinds.filter((kind) => kind !== scheduleKind);

const byName = new Map(kinds.map((kind) => [kind.kind, kind]));

export function kindOf(name: ConfiguredKind): Kind {
  const kind = byName.get(name);
  if (kind === undefined) throw new Error(`no kind ${name}`);
  return kind;
}
